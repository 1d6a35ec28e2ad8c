//! What goes wrong on a robot, over the program and the network: the node says it, counts it and goes on.

use std::time::{Duration, Instant};

use instanton::ros::interfaces::{Clock, level};
use instanton::ros::{Message, Middleware, PointCloud2View, Qos, Time, datatype};

use crate::labels::check_labelled;
use crate::peer::{Kind, PATIENCE, Peer, domain, node, until};
use crate::program::Program;
use crate::robot::{Robot, cloud, cloud_of, header, now, transform};
use crate::support::corner;

/// Name, type and bytes of a cloud's field.
type Field = (&'static str, u8, u32);

/// Between two clouds.
const PERIOD: Duration = Duration::from_millis(100);

#[test]
fn a_sensor_that_restarts_is_heard_again() {
    let domain = domain();
    let mut robot = Robot::new(domain);
    let mut program = Program::start(domain, &[]);
    for _ in 0..3 {
        robot.sent_until_labelled("lidar");
        robot.clouds = robot.dds().publish("/points", PointCloud2View::TYPE, Qos::SENSOR_DATA).unwrap();
    }
    program.check_alive();
}

#[test]
fn two_sensors_on_one_topic_are_both_labelled() {
    let domain = domain();
    let robot = Robot::new(domain);
    let second = robot.dds().publish("/points", PointCloud2View::TYPE, Qos::SENSOR_DATA).unwrap();
    let mut program = Program::start(domain, &["--upright"]);
    for _ in 0..3 {
        robot.sent_until_labelled("left");
        robot.sent_until_labelled_by(&*second, "right");
    }
    program.check_alive();
}

#[test]
fn a_layout_may_change_from_cloud_to_cloud() {
    use datatype::{FLOAT32, FLOAT64, UINT8, UINT16, UINT32};
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &["--upright"]);
    robot.sent_until_labelled("lidar");
    let points = corner(1500);
    let xyz = |point: &[f32; 3]| point.map(f32::to_le_bytes).concat();
    let layouts: [(&[Field], Vec<u8>); 4] = [
        (&[("x", FLOAT32, 4), ("y", FLOAT32, 4), ("z", FLOAT32, 4)], points.iter().flat_map(xyz).collect()),
        (
            &[("x", FLOAT64, 8), ("y", FLOAT64, 8), ("z", FLOAT64, 8)],
            points.iter().flat_map(|point| point.map(f64::from).map(f64::to_le_bytes).concat()).collect(),
        ),
        // Eleven bytes behind the coordinates: nothing is aligned.
        (
            &[
                ("x", FLOAT32, 4),
                ("y", FLOAT32, 4),
                ("z", FLOAT32, 4),
                ("rgb", UINT32, 4),
                ("t", UINT32, 4),
                ("ring", UINT16, 2),
                ("echo", UINT8, 1),
            ],
            points.iter().enumerate().flat_map(|(at, point)| [xyz(point), vec![at as u8; 11]].concat()).collect(),
        ),
        // As the first one, and no position in it.
        (&[("a", FLOAT32, 4), ("b", FLOAT32, 4), ("c", FLOAT32, 4)], points.iter().flat_map(xyz).collect()),
    ];
    for (fields, data) in &layouts[..3] {
        let end = Instant::now() + PATIENCE;
        let (sent, labelled) = loop {
            assert!(Instant::now() < end, "never labelled: {fields:?}");
            let sent = cloud_of(now(), "lidar", fields, data);
            robot.clouds.send(&sent).unwrap();
            let stamp = header(&sent).0;
            let mut heard = robot.labelled_within(3 * PERIOD).into_iter();
            if let Some(labelled) = heard.find(|labelled| header(labelled).0 == stamp) {
                break (sent, labelled);
            }
        };
        check_labelled(&sent, &labelled);
    }
    let (fields, data) = &layouts[3];
    (0..3).for_each(|_| robot.clouds.send(&cloud_of(now(), "lidar", fields, data)).unwrap());
    robot.reports("a cloud without a position is counted", |report| report.count("dropped: malformed cloud") > 0);
    robot.sent_until_labelled("lidar");
    program.check_alive();
}

/// The plain engine takes a second for a block of the shipped network.
#[test]
fn a_node_that_is_too_slow_serves_the_newest() {
    let domain = domain();
    let robot = Robot::new(domain);
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("one-block.toml");
    std::fs::write(&configuration, "[blocks]\nmaximum_per_frame = 1\nminimum_points = 20\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_instanton"));
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/asis-pointnet2");
    command.args(["-vv", "run", "--cloud", "/points", "--upright", "--engine", "plain", "--threads", "1"]);
    command.args(["--deadline-ms", "0", "--model", model, "--config"]).arg(configuration);
    let mut program = Program::spawn(command.env("ROS_DOMAIN_ID", domain.to_string()));
    robot.sent_until_labelled("lidar");
    robot.labelled_within(Duration::from_secs(3));
    let count = 30;
    let (mut stamps, mut heard) = (Vec::new(), Vec::new());
    for at in 0..count {
        // Another place each time, so that there is something to label.
        let sent = cloud(now(), "lidar", 2000 + 100 * at);
        stamps.push(header(&sent).0);
        robot.clouds.send(&sent).unwrap();
        heard.extend(robot.labelled_within(PERIOD));
    }
    let newest = stamps[count - 1];
    let is_newest = |labelled: &Vec<u8>| header(labelled).0 == newest;
    let mut late = 0;
    while !heard.last().is_some_and(is_newest) {
        heard.push(robot.labelled());
        late += 1;
    }
    assert!(late <= 2, "{late} clouds were waiting, where one is labelled and one waits");
    let served: Vec<i64> = heard.iter().map(|labelled| header(labelled).0).filter(|at| stamps.contains(at)).collect();
    assert!(served.is_sorted_by(|before, after| before < after), "the newest first: {served:?}");
    assert!(served.len() < count, "not one of {count} was replaced: this machine is too fast for the test");
    assert!(robot.labelled_within(Duration::from_secs(2)).is_empty(), "a backlog");
    // Counted: "41 clouds, 9 labelled, 32 replaced by newer ones, …".
    until("all are accounted for", || {
        let said = program.said();
        let line = said.lines().rfind(|line| line.contains("replaced by newer ones")).unwrap_or_default();
        let numbers: Vec<usize> = line.split(|letter: char| !letter.is_ascii_digit()).flat_map(str::parse).collect();
        numbers.len() > 3 && numbers[0] == numbers[1] + numbers[2] && numbers[2] >= count - served.len()
    });
    program.check_alive();
}

#[test]
fn transforms_that_stop_are_told_and_taken_up_again() {
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &[]);
    robot.sent_until_labelled("lidar");
    let drive = |steps: usize, with_transforms: bool| -> Vec<i64> {
        let step = |_| {
            let stamp = now();
            if with_transforms {
                robot.send_transforms(stamp);
            }
            robot.clouds.send(&cloud(stamp, "lidar", 2000)).unwrap();
            std::thread::sleep(PERIOD);
            stamp
        };
        (0..steps).map(step).collect()
    };
    drive(10, true);
    drive(50, false);
    let report = robot.reports("the gap is told", |report| report.count("dropped: no transform") > 5);
    assert!(report.level >= level::WARN && report.message.contains("without a transform"), "{report:?}");
    while !robot.labelled_within(Duration::from_millis(500)).is_empty() {}
    let stamps = drive(10, true);
    let first = header(&robot.labelled()).0;
    let place = stamps.iter().position(|stamp| *stamp == first);
    assert!(place.is_some_and(|place| place <= 2), "labelled again from frame {place:?} on");
    robot.reports("well again", |report| {
        report.count("dropped: no transform") == 0 && report.count("frames labelled") > 0
    });
    program.check_alive();
}

/// As a simulation or a bag does it that begins anew.
#[test]
fn a_clock_that_is_set_back_is_followed() {
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &["--ros-args", "-p", "use_sim_time:=true"]);
    let (start, hour) = (now(), 3600 * 1_000_000_000);
    let drive_until_labelled = |from: i64| {
        for step in 0..400 {
            let stamp = from + step * 50_000_000;
            let mut clock = Vec::new();
            Clock { clock: Time::from_nanoseconds(stamp) }.encode(&mut clock).unwrap();
            robot.clock.send(&clock).unwrap();
            robot.send_transforms(stamp);
            robot.clouds.send(&cloud(stamp, "lidar", 2000)).unwrap();
            let heard = robot.labelled_within(PERIOD / 2);
            if heard.iter().any(|labelled| (from..=stamp).contains(&header(labelled).0)) {
                return;
            }
        }
        panic!("nothing labelled from {from} on");
    };
    drive_until_labelled(start);
    drive_until_labelled(start - hour);
    robot.logs("the time jumped");
    program.check_alive();
}

#[test]
fn a_node_that_was_killed_may_come_back() {
    let domain = domain();
    let robot = Robot::new(domain);
    let first = Program::start(domain, &[]);
    robot.sent_until_labelled("lidar");
    first.kill();
    robot.labelled_within(Duration::from_millis(300));
    let mut second = Program::start(domain, &[]);
    let labelled = robot.sent_until_labelled("lidar");
    assert_eq!(header(&labelled).1, "lidar");
    robot.reports("it is heard on other topics too", |report| report.count("frames labelled") > 0);
    second.check_alive();
    assert!(second.stop().success(), "it ends as it was told to");
}

/// Until the lease of the dead one ends, which takes twenty seconds and more, nothing tells that it is dead.
#[test]
fn a_listener_that_was_killed_holds_nobody_up() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let domain = domain();
    let listener = || Peer::start(Kind::Kilted, "listener.py", domain, &["--topic", "/instanton/labelled"]);
    let (doomed, other) = (listener(), listener());
    let robot = node(domain);
    let labelled = robot.publish("/instanton/labelled", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    until("both are matched", || labelled.subscriptions() == 2);
    let mut message = crate::peer::cloud(400_000);
    labelled.send(&message).unwrap();
    doomed.says("latency");
    other.says("latency");
    doomed.kill();
    let begin = Instant::now();
    // More than are kept for readers that do not keep up.
    for _ in 0..40 {
        crate::peer::stamp(&mut message);
        labelled.send(&message).unwrap();
        other.says("latency");
    }
    assert!(begin.elapsed() < Duration::from_secs(15), "the lease has ended meanwhile: {:?}", begin.elapsed());
    assert_eq!(labelled.subscriptions(), 2, "the dead one is still believed to be there");
}

/// Messages that are sound for DDS and nothing for the node.
#[test]
fn messages_that_are_none_are_counted_and_survived() {
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &[]);
    robot.sent_until_labelled("lidar");
    let mut state = 7_u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut refused = 0;
    for round in 0..200 {
        let mut bytes = cloud(now(), "lidar", 300);
        let length = bytes.len();
        match round % 4 {
            0 => bytes.truncate(4 + random() as usize % (length - 4)),
            // A length that is a lie: of the frame's name, of the fields, of the data.
            1 => bytes[[12, 32, 36, 40][round / 4 % 4]..][..4].copy_from_slice(&random().to_le_bytes()),
            2 => (0..8).for_each(|_| bytes[4 + random() as usize % 130] = random() as u8),
            _ => bytes[4..].iter_mut().for_each(|byte| *byte = random() as u8),
        }
        robot.clouds.send(&bytes).unwrap();
        let good = transform("odom", "base_link", now());
        let mut bytes = good.clone();
        match round % 3 {
            0 => bytes.truncate(4 + random() as usize % (good.len() - 4)),
            1 => bytes[4..8].copy_from_slice(&(2 + random()).to_le_bytes()),
            // Not a number, where the translation is.
            _ => bytes[good.len() - 56..][..8].copy_from_slice(&f64::NAN.to_le_bytes()),
        }
        robot.transforms[1].send(&bytes).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        refused += 1;
    }
    assert_eq!(refused, 200);
    robot.sent_until_labelled("lidar");
    program.check_alive();
    program.says("/tf: ");
    let dropped = |report: &crate::robot::Report| {
        report.count("dropped: unreadable message") + report.count("dropped: malformed cloud") > 0
    };
    robot.reports("clouds are counted", dropped);
}
