//! The `instanton` command.

fn main() -> std::process::ExitCode {
    instanton::cli::main()
}
