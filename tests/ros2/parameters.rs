//! A real ROS 2 reads and sets the parameters of the program.

use serde_json::json;

use crate::peer::{Kind, Peer, domain};
use crate::program::Program;
use crate::robot::Robot;

#[test]
fn parameters_are_listed_described_and_refused_with_a_reason() {
    if !Kind::Kilted.is_installed() {
        return;
    }
    let domain = domain();
    let mut program = Program::start(domain, &["--upright", "--ros-args", "-p", "deadline_ms:=80.0"]);
    let mut peer = Peer::start(Kind::Kilted, "parameters.py", domain, &[]);
    let known = peer.says("parameters");
    let (values, described) = (&known["parameters"], &known["described"]);
    assert_eq!(values["deadline_ms"], 80.0);
    assert_eq!(values["passable_classes"], json!(["floor", "ceiling"]));
    assert_eq!((&values["use_sim_time"], &values["engine"]), (&json!(false), &json!("native")));
    assert_eq!(described["deadline_ms"]["range"], json!([[0.0, 60000.0]]));
    let named = values.as_object().unwrap();
    assert_eq!(named.len(), described.as_object().unwrap().len());
    for (name, description) in described.as_object().unwrap() {
        assert!(!description["description"].as_str().unwrap().is_empty(), "{name}: {description}");
    }
    // What is asked for, and a word that the reason must have.
    let nonsense = [
        (json!({"deadline_ms": "soon"}), "deadline_ms"),
        (json!({"use_sim_time": "perhaps"}), "use_sim_time"),
        (json!({"deadline_ms": -1.0}), "deadline_ms"),
        (json!({"threads": 100_000}), "threads"),
        (json!({"engine": "steam"}), "steam"),
        (json!({"no_such_parameter": 1}), "no_such_parameter"),
    ];
    for (asked, word) in nonsense {
        peer.tell(&asked);
        let said = peer.says("set");
        assert_eq!(said["set"][0]["successful"], false, "{asked}: {said}");
        assert!(said["set"][0]["reason"].as_str().unwrap().contains(word), "{asked}: {said}");
    }
    // One at a time: the good one is taken, the bad one is not.
    peer.tell(&json!({"engine": "steam", "use_sim_time": true}));
    let said = peer.says("set");
    assert_eq!((&said["set"][0]["successful"], &said["set"][1]["successful"]), (&json!(false), &json!(true)), "{said}");
    drop(peer);
    let again = Peer::start(Kind::Kilted, "parameters.py", domain, &[]).says("parameters");
    assert_eq!(again["parameters"]["use_sim_time"], true);
    assert_eq!(again["parameters"]["deadline_ms"], 80.0);
    program.check_alive();
    // And it labels.
    Robot::new(domain).sent_until_labelled("lidar");
}
