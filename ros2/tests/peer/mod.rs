//! A node that is not ours: rclpy, in a process of its own, which does what it is told.
#![allow(dead_code, reason = "each test needs some of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// Longest time for what is to happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Started with the first order.
pub struct Peer {
    domain: u16,
    process: Mutex<Option<Process>>,
}

struct Process {
    child: Child,
    answers: BufReader<ChildStdout>,
}

/// A domain for this process, so that tests that run at the same time do not hear each other. Up to 101: above, the ports
/// are those that Linux hands out to anyone.
pub fn domain() -> u16 {
    u16::try_from(1 + std::process::id().wrapping_mul(31) % 101).unwrap()
}

/// The Python that has rclpy: the one of `tests/ros2/setup.sh` where it is installed, otherwise that of the ROS
/// installation whose setup was sourced.
fn python() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let installed = root.join("target/ros2/kilted");
    if !installed.join("installed").exists() {
        return Command::new("python3");
    }
    let mut command = Command::new(installed.join("bin/python"));
    // It knows where its libraries are, and must not find the stand-ins that `tests/ros2/colcon.sh` links with.
    command.env_remove("LD_LIBRARY_PATH").env_remove("AMENT_PREFIX_PATH");
    command
}

impl Process {
    fn start(domain: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer/peer.py");
        let mut command = python();
        command.arg(script).env("ROS_DOMAIN_ID", domain.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a Python with rclpy");
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn order(&mut self, order: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the peer said {line:?}: {error}"));
        said["result"].clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Peer {
    pub fn new(domain: u16) -> Self {
        Self { domain, process: Mutex::default() }
    }

    /// Has something done; `null` if it did not happen in time.
    pub fn order(&self, order: Value) -> Value {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.get_or_insert_with(|| Process::start(self.domain)).order(&order)
    }

    /// Asks a service for the types of one parameter; `None` if nobody answers within a time.
    pub fn types(&self, service: &str, asked: &str, patience: Duration) -> Option<Vec<u8>> {
        let patience = patience.as_secs_f64();
        let answer = self.order(json!({ "do": "call", "service": service, "asked": asked, "patience": patience }));
        let hex = answer.as_str()?;
        Some((0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect())
    }
}
