//! Levels of the diagnosis, and what is sent of it.

use super::fake::Fake;
use crate::ros::diagnostics::{DiagnosticsReport, Thresholds};
use crate::ros::interfaces::{DiagnosticArray, level};
use crate::ros::lifecycle::State;
use crate::ros::{Message, MessageWriter, Qos, Time};
use std::time::Duration;

const WELL: DiagnosticsReport<'static> = DiagnosticsReport {
    state: State::Active,
    rate: 9.98,
    labelled: 100,
    missed: 0,
    drops: &[],
    deadline: Duration::from_millis(100),
    latency_p50: Duration::from_micros(41_230),
    latency_p99: Duration::from_millis(80),
    engine: "tract",
    model: "jsis3d",
    sensor_age: Some(Duration::from_millis(50)),
    active_for: Duration::from_secs(10),
    sensor_period: Some(Duration::from_millis(100)),
    transform_gaps: &[],
    clock_resets: 0,
    replaced: 0,
    warnings: &[],
};

fn diagnose(report: DiagnosticsReport<'_>) -> (u8, String) {
    let diagnosis = report.diagnose(&Thresholds::default());
    (diagnosis.level, diagnosis.message)
}

#[test]
fn levels_follow_the_thresholds() {
    assert_eq!(diagnose(WELL), (level::OK, "labelling".into()));
    let missed = |missed| diagnose(DiagnosticsReport { missed, labelled: 1000, ..WELL });
    assert_eq!(missed(9).0, level::OK);
    assert_eq!(missed(10), (level::WARN, "10 of 1000 frames missed the deadline".into()));
    assert_eq!(missed(100).0, level::ERROR);
    let dropped = |count| diagnose(DiagnosticsReport { drops: &[("layout", count)], ..WELL });
    assert_eq!(dropped(5).0, level::OK);
    assert_eq!(dropped(6), (level::WARN, "6 of 106 frames were dropped".into()));
    assert_eq!(dropped(100).0, level::ERROR);
    let gaps = DiagnosticsReport { transform_gaps: &[("late", 1), ("missing", 1)], ..WELL };
    assert_eq!(diagnose(gaps), (level::WARN, "2 frames without a transform".into()));
    let nothing = DiagnosticsReport { labelled: 0, missed: 0, ..WELL };
    assert_eq!(diagnose(nothing).0, level::OK);
}

#[test]
fn silence_of_the_sensor_is_stale() {
    let age = |milliseconds| {
        let sensor_age = Some(Duration::from_millis(milliseconds));
        diagnose(DiagnosticsReport { sensor_age, ..WELL })
    };
    assert_eq!(age(300).0, level::OK);
    assert_eq!(age(3010), (level::STALE, "no frame for 3.0 s".into()));
    let never = |active| {
        let active_for = Duration::from_secs(active);
        diagnose(DiagnosticsReport { sensor_age: None, sensor_period: None, active_for, ..WELL })
    };
    assert_eq!(never(1).0, level::OK);
    assert_eq!(never(3), (level::STALE, "no frame has come".into()));
    let both = DiagnosticsReport { sensor_age: Some(Duration::from_secs(1)), transform_gaps: &[("late", 1)], ..WELL };
    assert_eq!(diagnose(both), (level::STALE, "no frame for 1.0 s; 1 frames without a transform".into()));
    let worse = DiagnosticsReport { sensor_age: Some(Duration::from_secs(1)), missed: 50, ..WELL };
    assert_eq!(diagnose(worse).0, level::ERROR);
}

#[test]
fn a_node_that_is_not_active_is_judged_by_its_state() {
    let state = |state| diagnose(DiagnosticsReport { state, sensor_age: None, ..WELL });
    assert_eq!(state(State::Inactive), (level::OK, "inactive".into()));
    assert_eq!(state(State::Finalized), (level::ERROR, "finalized".into()));
    let warnings = ["/points: nothing comes, reliability differs".to_owned()];
    let report = DiagnosticsReport { state: State::Inactive, warnings: &warnings, ..WELL };
    assert_eq!(diagnose(report), (level::WARN, warnings[0].clone()));
}

#[test]
fn the_numbers_are_sent() {
    let fake = Fake::default();
    let mut writer = MessageWriter::new(&fake, "/diagnostics", DiagnosticArray::TYPE, Qos::DEFAULT).unwrap();
    let report =
        DiagnosticsReport { drops: &[("no transform", 1), ("layout", 2)], transform_gaps: &[("late", 1)], ..WELL };
    let stamp = Time { sec: 3, nanosec: 0 };
    report.diagnose(&Thresholds::default()).send(&mut writer, stamp, "eye: labelling", "lidar").unwrap();
    let sent = fake.take("/diagnostics");
    let array = DiagnosticArray::decode(&sent[0]).unwrap();
    let status = array.status.iter().next().unwrap();
    assert_eq!((array.header.stamp, status.level, status.name), (stamp, level::WARN, "eye: labelling"));
    let values: Vec<String> = status.values.iter().map(|one| format!("{}={}", one.key, one.value)).collect();
    assert_eq!(
        values,
        [
            "state=active",
            "rate (Hz)=9.98",
            "deadline (ms)=100.0",
            "latency p50 (ms)=41.2",
            "latency p99 (ms)=80.0",
            "frames labelled=100",
            "deadline misses=0",
            "frames replaced by newer ones=0",
            "frames dropped=3",
            "dropped: no transform=1",
            "dropped: layout=2",
            "transform gaps=1",
            "transform gaps: late=1",
            "clock resets=0",
            "sensor age (s)=0.050",
            "sensor period (s)=0.100",
            "engine=tract",
            "model=jsis3d",
        ]
    );
}
