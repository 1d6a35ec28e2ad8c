//! What the README has a newcomer do: the node in one terminal, a talker and a listener in others.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use crate::peer::{Kind, PATIENCE, domain, is_setting_of_ros};
use crate::program::Program;

/// A program of `ros2/examples` that ends with the test.
struct Example(Child);

impl Example {
    fn start(name: &str, domain: u16, arguments: &[&str]) -> Self {
        let mut command = Command::new(Kind::Kilted.python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("ros2/examples").join(name)).args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting_of_ros(name)) {
            command.env_remove(name);
        }
        command.env("ROS_DOMAIN_ID", domain.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_newcomer_sees_labelled_clouds() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let domain = domain();
    let mut program = Program::start(domain, &["--upright"]);
    let _talker = Example::start("talker.py", domain, &[]);
    for topic in ["/instanton/labelled_compact", "/instanton/labelled"] {
        let mut listener = Example::start("listener.py", domain, &[topic]);
        let (say, said) = channel();
        let lines = BufReader::new(listener.0.stdout.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send(line)));
        let line = said.recv_timeout(PATIENCE).expect("the listener says what it hears");
        let number = |before: &str| -> u32 {
            let words: Vec<&str> = line.split_once(before).unwrap_or_else(|| panic!("{line}")).0.split(' ').collect();
            words.last().unwrap().parse().unwrap_or_else(|_| panic!("{line}"))
        };
        // A frame by itself is labelled whole, but for corners with too few points for a block.
        let (points, unknown) = (number(" points: "), number(" not labelled"));
        assert!(points > 500 && unknown < points / 4, "{line}");
    }
    program.check_alive();
}
