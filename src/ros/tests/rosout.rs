//! The log on `/rosout`.

use super::fake::Fake;
use super::noon;
use crate::ros::interfaces::{Log, severity};
use crate::ros::rosout::{Rosout, RosoutLogger};
use crate::ros::{Message, Time};
use log::{Level, LevelFilter, Log as _, Record};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Console(Arc<Mutex<Vec<String>>>);

impl log::Log for Console {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn say(logger: &RosoutLogger, level: Level, target: &str, text: &str) {
    logger.log(
        &Record::builder()
            .level(level)
            .target(target)
            .args(format_args!("{text}"))
            .file_static(Some("a.rs"))
            .line(Some(7))
            .module_path_static(Some("instanton::map"))
            .build(),
    );
}

#[test]
fn lines_go_to_the_console_and_to_the_topic_each_by_its_level() {
    let (fake, console) = (Fake::default(), Console::default());
    let logger = RosoutLogger::new(Box::new(console.clone()));
    say(&logger, Level::Warn, "instanton", "early");
    let rosout = Rosout::new(&fake, "robot.eye", noon()).unwrap();
    logger.attach(Some((rosout, LevelFilter::Info)));
    say(&logger, Level::Error, "instanton::map", "lost");
    say(&logger, Level::Info, "tract::model", "found");
    say(&logger, Level::Debug, "instanton", "detail");
    say(&logger, Level::Info, "rustdds::discovery", "chatter");
    // What waits is sent before it is gone.
    logger.attach(None);
    say(&logger, Level::Warn, "instanton", "late");
    assert_eq!(*console.0.lock().unwrap(), ["early", "lost", "late"]);
    let sent = fake.take("/rosout");
    let lines: Vec<_> = sent.iter().map(|bytes| Log::decode(bytes).unwrap()).collect();
    let stamp = Time { sec: 12, nanosec: 5 };
    let lost = Log {
        stamp,
        level: severity::ERROR,
        name: "robot.eye",
        msg: "lost",
        file: "a.rs",
        function: "instanton::map",
        line: 7,
    };
    let found = Log { level: severity::INFO, name: "tract::model", msg: "found", ..lost };
    assert_eq!(lines, [lost, found]);
    assert_eq!(fake.names(), Vec::<String>::new());
}
