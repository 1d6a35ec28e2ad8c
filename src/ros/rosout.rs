//! The log on `/rosout`, where `ros2 topic echo /rosout` and rqt read it.

use super::guard::lock;
use super::interfaces::{Log, severity};
use super::{Durability, Message, MessageWriter, Middleware, MiddlewareError, Now, Qos, Time};
use crossbeam::channel::{Receiver, Sender, bounded};
use log::{Level, LevelFilter, Metadata, Record};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// `rclcpp::RosoutQoS`, but for the life span of its messages (10 s), which is not ours to set.
const QOS: Qos = Qos { durability: Durability::TransientLocal, depth: 1000, ..Qos::DEFAULT };
/// Lines that wait to be sent.
const WAITING: usize = 1000;

/// Beginning of the targets under which the middleware logs.
const MIDDLEWARE: &str = "rustdds";

/// A line that waits.
struct Line {
    stamp: Time,
    level: u8,
    target: String,
    text: String,
    file: &'static str,
    module: &'static str,
    line: u32,
}

/// Publishes lines until it is dropped, from a thread of its own: whoever logs never waits for the network. Lines
/// beyond 1000 that wait are dropped and counted.
pub struct Rosout {
    lines: Option<Sender<Line>>,
    sender: Option<JoinHandle<()>>,
    dropped: AtomicU64,
    now: Now,
}

impl Rosout {
    /// Publishes under the logger name of the node, such as `robot.eye` ([`super::names::NodeName::logger`]).
    ///
    /// # Errors
    /// [`MiddlewareError`] if the middleware refuses, or no thread can be had.
    pub fn new(middleware: &dyn Middleware, logger: &str, now: Now) -> Result<Self, MiddlewareError> {
        let writer = MessageWriter::new(middleware, "/rosout", Log::TYPE, QOS)?;
        let (lines, waiting) = bounded(WAITING);
        let logger = logger.to_owned();
        let sender = std::thread::Builder::new()
            .name("rosout".to_owned())
            .spawn(move || send_all(writer, &logger, &waiting))
            .map_err(|error| MiddlewareError::Start { what: "/rosout".to_owned(), reason: error.to_string() })?;
        Ok(Self { lines: Some(lines), sender: Some(sender), dropped: AtomicU64::new(0), now })
    }

    /// Lines that were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Publishes one line. Lines of the middleware itself that come of sending are left out, lest they go in circles;
    /// so is everything of it below an error, which is about the network and not about the node.
    pub fn publish(&self, record: &Record<'_>) {
        let is_chatter = record.level() > log::Level::Error && record.target().starts_with(MIDDLEWARE);
        if is_chatter || std::thread::current().name() == Some("rosout") {
            return;
        }
        let line = Line {
            stamp: (self.now)(),
            level: severity_of(record.level()),
            target: record.target().to_owned(),
            text: record.args().to_string(),
            file: record.file_static().unwrap_or(""),
            module: record.module_path_static().unwrap_or(""),
            line: record.line().unwrap_or(0),
        };
        if self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_err()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Rosout {
    /// Sends what still waits.
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(sender) = self.sender.take()
            && sender.join().is_err()
        {
            eprintln!("/rosout: the sending thread panicked");
        }
    }
}

fn severity_of(level: Level) -> u8 {
    match level {
        Level::Error => severity::ERROR,
        Level::Warn => severity::WARN,
        Level::Info => severity::INFO,
        Level::Debug | Level::Trace => severity::DEBUG,
    }
}

fn send_all(mut writer: MessageWriter, logger: &str, waiting: &Receiver<Line>) {
    let mut said = false;
    for line in waiting {
        // Modules of this program are parts of the node; those of libraries keep their names.
        let own = line.target.split("::").next() == Some(env!("CARGO_PKG_NAME"));
        let message = Log {
            stamp: line.stamp,
            level: line.level,
            name: if own { logger } else { &line.target },
            msg: &line.text,
            file: line.file,
            function: line.module,
            line: line.line,
        };
        if let Err(error) = writer.send(&message)
            && !said
        {
            // The log itself would come back to here.
            eprintln!("/rosout: {error}");
            said = true;
        }
    }
}

/// A logger that writes where another does, and on `/rosout` while a node has one. A program sets its logger once, at
/// its start, before it has a node.
pub struct RosoutLogger {
    inner: Box<dyn log::Log>,
    rosout: Mutex<Option<(Rosout, LevelFilter)>>,
}

impl RosoutLogger {
    /// Writes where `inner` does.
    pub fn new(inner: Box<dyn log::Log>) -> Self {
        Self { inner, rosout: Mutex::new(None) }
    }

    /// Writes on `/rosout` too, from `level` up, or not any more.
    pub fn attach(&self, rosout: Option<(Rosout, LevelFilter)>) {
        let before = std::mem::replace(&mut *lock(&self.rosout), rosout);
        // Outside of the lock: it waits for lines to be sent, which may be logged.
        drop(before);
    }
}

impl log::Log for RosoutLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let on_rosout = lock(&self.rosout).as_ref().is_some_and(|(_, level)| metadata.level() <= *level);
        on_rosout || self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.inner.enabled(record.metadata()) {
            self.inner.log(record);
        }
        if let Some((rosout, level)) = &*lock(&self.rosout)
            && record.level() <= *level
        {
            rosout.publish(record);
        }
    }

    fn flush(&self) {
        self.inner.flush();
    }
}
