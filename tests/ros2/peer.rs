//! A peer as a child process, and the node that it talks to.

use instanton::ros::{Header, Message, PointCloud2View, PointField, Sequence, Time, datatype};
use instanton::transport::dds::{Dds, DdsOptions};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest time for what is to happen. A peer takes some seconds to begin.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A domain for each test, so that they do not hear each other.
pub fn domain() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id().wrapping_mul(17) % 101;
    // Up to 101: above, the ports are those that Linux hands out to anyone.
    1 + (u16::try_from(first).unwrap() + NEXT.fetch_add(1, Ordering::Relaxed)) % 101
}

/// Our node.
pub fn node(domain: u16) -> Dds {
    Dds::open(DdsOptions { domain: Some(domain), ..DdsOptions::new("instanton") }).unwrap()
}

/// What the peers run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ROS 2 Kilted with rclpy on Fast DDS.
    Kilted,
    /// ROS 2 Jazzy with rclpy on Fast DDS.
    Jazzy,
    /// Eclipse Cyclone DDS, with the topics, types and services that a ROS 2 on it has.
    Cyclone,
}

impl Kind {
    /// Those that are installed; a word about each that is not.
    pub fn installed() -> Vec<Self> {
        [Self::Kilted, Self::Jazzy, Self::Cyclone].into_iter().filter(|kind| kind.is_installed()).collect()
    }

    fn folder(self) -> PathBuf {
        let name = match self {
            Self::Kilted => "kilted",
            Self::Jazzy => "jazzy",
            Self::Cyclone => "cyclone",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ros2").join(name)
    }

    /// Its Python.
    pub fn python(self) -> PathBuf {
        self.folder().join("bin/python")
    }

    /// Whether it is installed; a word about it if not.
    pub fn is_installed(self) -> bool {
        let installed = self.folder().join("installed").exists();
        if !installed {
            eprintln!("skipped: no peer in {}; tests/ros2/setup.sh installs it", self.folder().display());
        }
        installed
    }
}

/// A program of somebody else's that runs until it is dropped.
pub struct Peer {
    child: Child,
    lines: Receiver<serde_json::Value>,
}

impl Peer {
    /// Starts one of an installed kind.
    pub fn start(kind: Kind, script: &str, domain: u16, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(kind.python()), kind, script, domain, arguments)
    }

    /// Starts one by a command that runs Python.
    pub fn spawn(mut command: Command, kind: Kind, script: &str, domain: u16, arguments: &[&str]) -> Self {
        let programs = if kind == Kind::Cyclone { "cyclone" } else { "ros" };
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ros2").join(programs).join(script))
            .args(arguments);
        // The distribution's own settings only, whatever this shell was set to.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting_of_ros(name)) {
            command.env_remove(name);
        }
        command.env("ROS_DOMAIN_ID", domain.to_string()).env("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp");
        if let Some(profile) = std::env::var_os("INSTANTON_TEST_PROFILE") {
            command.env("FASTRTPS_DEFAULT_PROFILES_FILE", profile);
        }
        if let Some(configuration) = std::env::var_os("INSTANTON_TEST_CYCLONE") {
            command.env("CYCLONEDDS_URI", configuration);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(value) => drop(said.send(value)),
                    Err(_) => eprintln!("{line}"),
                }
            }
        });
        Self { child, lines }
    }

    /// The next thing that it says within a time.
    pub fn next(&self, patience: Duration) -> Option<serde_json::Value> {
        self.lines.recv_timeout(patience).ok()
    }

    /// Says something to it.
    pub fn tell(&mut self, what: &serde_json::Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    /// As the system ends what uses too much memory.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The next thing of this name that it says.
    pub fn says(&self, name: &str) -> serde_json::Value {
        let end = Instant::now() + PATIENCE;
        while let Some(said) = self.next(end.saturating_duration_since(Instant::now())) {
            if said.get(name).is_some() {
                return said;
            }
        }
        panic!("the peer did not say {name:?} within {PATIENCE:?}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a variable of the environment tells a ROS 2 node what to do.
pub fn is_setting_of_ros(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["ROS_", "RMW_", "FASTDDS_", "FASTRTPS_", "CYCLONEDDS_", "AMENT_"].iter().any(|prefix| name.starts_with(prefix))
}

/// A cloud of about this many bytes, stamped with the time of the system.
pub fn cloud(bytes: usize) -> Vec<u8> {
    let points = (bytes / 16) as u32;
    let data: Vec<u8> = (0..points * 16).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let fields = ["x", "y", "z", "intensity"];
    let fields: Vec<PointField<'_>> = fields
        .iter()
        .zip(0..)
        .map(|(name, index)| PointField { name, offset: index * 4, datatype: datatype::FLOAT32, count: 1 })
        .collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let stamp = Time { sec: now.as_secs() as i32, nanosec: now.subsec_nanos() };
    let view = PointCloud2View {
        header: Header { stamp, frame_id: "camera" },
        height: 1,
        width: points,
        fields: Sequence::listed(&fields),
        is_bigendian: false,
        point_step: 16,
        row_step: points * 16,
        data: &data,
        is_dense: true,
    };
    let mut out = Vec::new();
    view.encode(&mut out).unwrap();
    out
}

/// Stamps a cloud anew.
pub fn stamp(cloud: &mut [u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    cloud[4..8].copy_from_slice(&(now.as_secs() as i32).to_le_bytes());
    cloud[8..12].copy_from_slice(&now.subsec_nanos().to_le_bytes());
}

/// A file with these bytes that is gone when it is dropped.
pub fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.cdr");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Waits until something holds.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
