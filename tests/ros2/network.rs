//! Two machines: two network namespaces with a cable between them. Datagrams are as small as on a real network, and the
//! cable can be pulled out.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::peer::{Kind, PATIENCE, Peer, cloud, file};
use crate::program::{Program, small_model};

/// A cable and the two namespaces at its ends, gone when it is dropped.
struct Cable {
    ends: [String; 2],
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Cable {
    /// `None`, and a word, where this system does not let us.
    fn new() -> Option<Self> {
        let name = |end: &str| format!("instanton-{end}-{}", std::process::id());
        let cable = Self { ends: [name("a"), name("b")] };
        let [here, there] = &cable.ends;
        let made = ip(&["netns", "add", here])
            && ip(&["netns", "add", there])
            && ip(&["-n", here, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", there])
            && cable.ends.iter().zip(["10.77.0.1/24", "10.77.0.2/24"]).all(|(end, address)| {
                ip(&["-n", end, "link", "set", "lo", "up"])
                    && ip(&["-n", end, "address", "add", address, "dev", "cable"])
                    && ip(&["-n", end, "link", "set", "cable", "up"])
            });
        if !made {
            eprintln!("skipped: no network namespaces here (they need root and iproute2)");
        }
        made.then_some(cable)
    }

    /// Pulls the node's end out, or puts it in.
    fn set(&self, state: &str) {
        assert!(ip(&["-n", &self.ends[0], "link", "set", "cable", state]));
    }

    fn command(&self, end: usize, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.ends[end]]).arg(program);
        command
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.ends {
            ip(&["netns", "delete", end]);
        }
    }
}

/// A node on one machine and its sensor and listener on the other: clouds of many fragments, parameters of many as well,
/// and all of it again after the interface was gone for five seconds.
#[test]
fn a_cable_may_be_pulled_out_and_put_in_again() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let Some(cable) = Cable::new() else { return };
    let mut command = cable.command(0, Path::new(env!("CARGO_BIN_EXE_instanton")));
    command.args(["run", "--cloud", "/points", "--upright", "--model"]).arg(small_model()).env("ROS_DOMAIN_ID", "7");
    let mut program = Program::spawn(&mut command);
    let there = |script: &str, arguments: &[&str]| {
        let command = cable.command(1, &Kind::Kilted.python());
        Peer::spawn(command, Kind::Kilted, script, 7, arguments)
    };
    let (_folder, path) = file(&cloud(200_000));
    let talk = ["--reliability", "best_effort", "--count", "100000", "--file", path.to_str().unwrap()];
    let _sensor = there("talker.py", &talk);
    let listener = there("listener.py", &["--topic", "/instanton/labelled"]);
    let hears = || listener.says("latency");
    hears();
    let known = there("parameters.py", &[]).says("described");
    assert!(known["described"].as_object().unwrap().len() > 10, "{known}");

    cable.set("down");
    std::thread::sleep(Duration::from_secs(1));
    while listener.next(Duration::from_secs(2)).is_some() {}
    std::thread::sleep(Duration::from_secs(2));
    program.check_alive();
    cable.set("up");
    let end = Instant::now() + PATIENCE;
    for _ in 0..5 {
        hears();
        assert!(Instant::now() < end);
    }
    assert!(there("parameters.py", &[]).says("described")["described"].is_object());
    program.check_alive();
    assert!(program.stop().success());
}
