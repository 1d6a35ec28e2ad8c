//! Nothing. The manifest is what counts: with the features that it names, `cargo test` at the root and `colcon build` of
//! `instanton_ros` use the same hundred crates; without it cargo builds them twice, which takes five minutes.
//!
//! What belongs into it is what this prints, after either side got another dependency:
//!
//! ```text
//! tree() { cargo tree -e normal,build,dev -f '{p} [{f}]' --prefix none "$@" | sed 's/ (\*)//' | sort -u; }
//! comm -13 <(tree) <(tree -p instanton_ros)     # crates that the library has too, with other features
//! ```
//!
//! It does not see crates that are built twice on one side, for the machine and for build scripts, such as `serde_core`:
//! the `features` of units of the same crate in `cargo build --unit-graph` (nightly) do.
