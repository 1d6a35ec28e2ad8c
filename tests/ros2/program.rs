//! The program as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::{Duration, Instant};

use crate::peer::{PATIENCE, is_setting_of_ros, until};
use crate::support::model;

/// `instanton run` until it is dropped.
pub struct Program {
    child: Child,
    said: Arc<Mutex<String>>,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Threads.
    pub threads: usize,
    /// Open files, sockets among them.
    pub files: usize,
    /// Resident set (KiB).
    pub resident: usize,
}

impl Program {
    /// Runs it on clouds of `/points` with a small network, and these arguments.
    pub fn start(domain: u16, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_instanton"));
        command.args(["run", "--cloud", "/points", "--model"]).arg(small_model());
        Self::spawn(command.args(arguments).env("ROS_DOMAIN_ID", domain.to_string()))
    }

    /// Runs a command that is the program.
    pub fn spawn(command: &mut Command) -> Self {
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting_of_ros(name)) {
            if name != "ROS_DOMAIN_ID" {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { child, said }
    }

    /// Its log so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has logged something.
    pub fn says(&self, what: &str) {
        until(&format!("it says {what:?}"), || self.said().contains(what));
    }

    /// Whether it runs; its log where it does not.
    pub fn check_alive(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert_eq!(ended, None, "it ended:\n{}", self.said());
    }

    /// Waits until it has ended by itself.
    pub fn ends(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As the system ends what uses too much memory.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to end, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// What it holds now.
    pub fn holdings(&self) -> Holdings {
        let of_process = Path::new("/proc").join(self.child.id().to_string());
        let status = std::fs::read_to_string(of_process.join("status")).unwrap();
        let number = |key: &str| -> usize {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let files = std::fs::read_dir(of_process.join("fd")).unwrap().count();
        Holdings { threads: number("Threads:"), files, resident: number("VmRSS:") }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what the program said:\n{}", self.said());
        }
    }
}

/// Folder of an untrained network with 256 points a block.
pub fn small_model() -> PathBuf {
    model();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("replay-model-{}", std::process::id()))
}
