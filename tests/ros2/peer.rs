//! A Python peer as a child process, and the node that it talks to.

use instanton::ros::{Header, Message, PointCloud2View, PointField, Sequence, Time, datatype};
use instanton::transport::dds::{Dds, DdsOptions};
use std::io::{BufRead, BufReader};
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

/// A ROS 2 program that runs until it is dropped.
pub struct Peer {
    child: Child,
    lines: Receiver<serde_json::Value>,
}

impl Peer {
    /// Starts one; `None`, and a word about it, where no ROS 2 is installed.
    pub fn start(script: &str, domain: u16, arguments: &[&str]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = root.join("target/ros2/kilted");
        if !installed.join("installed").exists() {
            eprintln!("skipped: no ROS 2 in {}; tests/ros2/setup.sh installs one", installed.display());
            return None;
        }
        let mut command = Command::new(installed.join("bin/python"));
        command.arg(root.join("tests/ros2").join(script)).args(arguments);
        // The distribution's own settings only, whatever this shell was set to.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["ROS_", "RMW_", "FASTDDS_", "FASTRTPS_", "AMENT_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        command.env("ROS_DOMAIN_ID", domain.to_string()).env("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp");
        if let Some(profile) = std::env::var_os("INSTANTON_TEST_PROFILE") {
            command.env("FASTRTPS_DEFAULT_PROFILES_FILE", profile);
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
        Some(Self { child, lines })
    }

    /// The next thing that it says within a time.
    pub fn next(&self, patience: Duration) -> Option<serde_json::Value> {
        self.lines.recv_timeout(patience).ok()
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
