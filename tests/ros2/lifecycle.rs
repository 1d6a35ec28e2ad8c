//! A manager leads the program through its lifecycle.

use std::time::Duration;

use instanton::ros::Message;
use instanton::ros::interfaces::{ChangeState, ChangeStateRequest, ChangeStateResponse, ServiceCall, TransitionView};
use serde_json::json;

use crate::peer::{Kind, PATIENCE, Peer, domain, until};
use crate::program::Program;
use crate::robot::{Robot, cloud, now};

/// How long nothing must come for us to believe that nothing does.
const QUIET: Duration = Duration::from_secs(1);

fn send_clouds(robot: &Robot, count: usize) {
    for _ in 0..count {
        let stamp = now();
        robot.send_transforms(stamp);
        robot.clouds.send(&cloud(stamp, "lidar", 2000)).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_manager_leads_the_node() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &["--no-autostart"]);
    let mut manager = Peer::start(Kind::Kilted, "lifecycle.py", domain, &[]);
    let known = manager.says("states");
    for state in ["unconfigured", "inactive", "active", "finalized"] {
        assert!(known["states"].as_array().unwrap().contains(&json!(state)), "{known}");
    }
    for edge in [json!(["configure", "unconfigured", "configuring"]), json!(["activate", "inactive", "activating"])] {
        assert!(known["graph"].as_array().unwrap().contains(&edge), "{known}");
    }
    let state = |manager: &mut Peer, expected: &str| {
        manager.tell(&json!({}));
        let said = manager.says("state");
        assert_eq!(said["state"], expected, "{said}");
        assert!(!said["may"].as_array().unwrap().is_empty(), "{said}");
    };
    let change = |manager: &mut Peer, transition: &str| {
        manager.tell(&json!({ "change": transition }));
        let said = manager.says("changed");
        assert_eq!(said["to"], transition);
        said["changed"].as_bool().unwrap()
    };
    state(&mut manager, "unconfigured");
    for impossible in ["activate", "deactivate", "cleanup", "no_such_transition"] {
        assert!(!change(&mut manager, impossible), "{impossible} while unconfigured");
    }
    send_clouds(&robot, 5);
    assert!(robot.labelled_within(QUIET).is_empty(), "labelled while unconfigured");

    assert!(change(&mut manager, "configure"));
    state(&mut manager, "inactive");
    send_clouds(&robot, 5);
    assert!(robot.labelled_within(QUIET).is_empty(), "labelled while inactive");

    assert!(change(&mut manager, "activate"));
    state(&mut manager, "active");
    robot.sent_until_labelled("lidar");
    assert!(!change(&mut manager, "configure"), "configured twice");

    assert!(change(&mut manager, "deactivate"));
    robot.labelled_within(QUIET);
    send_clouds(&robot, 5);
    assert!(robot.labelled_within(QUIET).is_empty(), "labelled after it was deactivated");

    assert!(change(&mut manager, "activate"));
    robot.sent_until_labelled("lidar");
    assert!(change(&mut manager, "deactivate") && change(&mut manager, "cleanup"));
    state(&mut manager, "unconfigured");
    program.check_alive();
    assert!(change(&mut manager, "unconfigured_shutdown"));
    assert!(program.ends().success());
}

/// Every transition is told to whoever listens.
#[test]
fn transitions_are_told() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let domain = domain();
    let _program = Program::start(domain, &["--no-autostart"]);
    let mut manager = Peer::start(Kind::Kilted, "lifecycle.py", domain, &[]);
    manager.says("states");
    manager.tell(&json!({"change": "configure"}));
    let expected = [["configure", "unconfigured", "configuring"], ["transition_success", "configuring", "inactive"]];
    for event in expected {
        assert_eq!(manager.says("event")["event"], json!(event));
    }
}

#[test]
fn a_hundred_rounds_leave_nothing_behind() {
    const ROUNDS: usize = 100;
    /// After these, everything that is allocated once has been.
    const FIRST: usize = 20;
    let domain = domain();
    let robot = Robot::new(domain);
    let mut program = Program::start(domain, &["--no-autostart"]);
    let client = robot.dds().client("/instanton/change_state", ChangeState::TYPE).unwrap();
    let change = |id: u8| {
        let mut request = Vec::new();
        ChangeStateRequest { transition: TransitionView { id, label: "" } }.encode(&mut request).unwrap();
        let answer = client.call(&request, PATIENCE).unwrap();
        assert!(ChangeStateResponse::decode(&answer).unwrap().success, "transition {id}");
    };
    let mut before = None;
    for round in 0..ROUNDS {
        // Configure, activate, deactivate, clean up.
        [1, 3].into_iter().for_each(&change);
        if round % 10 == 0 {
            robot.sent_until_labelled("lidar");
        }
        [4, 2].into_iter().for_each(&change);
        if round == FIRST {
            std::thread::sleep(QUIET);
            before = Some(program.holdings());
        }
    }
    let before = before.unwrap();
    until("threads and files are as before", || {
        let now = program.holdings();
        (now.threads, now.files) == (before.threads, before.files)
    });
    let after = program.holdings();
    // What a process does not give back to the system varies by some MiB.
    assert!(after.resident < before.resident + 16 * 1024, "{before:?} → {after:?}");
    println!("{FIRST} rounds: {before:?}; {ROUNDS} rounds: {after:?}");
    program.check_alive();
}
