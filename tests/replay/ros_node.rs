//! The node as others on the network find it: led through its states, told other parameters, set back in time.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use instanton::node::{Health, NodeSettings, RosNode, parameters};
use instanton::ros::interfaces::{
    ChangeState, ChangeStateRequest, ChangeStateResponse, Clock, CurrentState, DiagnosticArray, GetState,
    GetStateRequest, ParameterValueView, ParameterView, ServiceCall, SetParameters, SetParametersRequest,
    SetParametersResponse, TransitionEvent, TransitionView, level, parameter_type,
};
use instanton::ros::lifecycle::State;
use instanton::ros::names::NodeName;
use instanton::ros::parameters::ParameterStore;
use instanton::ros::remapping::{RemapRule, Remapped};
use instanton::ros::{
    LocalBus, LocalNode, Message, MessageType, Middleware, PointCloud2View, Publisher, Qos, Received, Sequence,
    Subscription, TfMessage,
};

use crate::drives::{POINTS, drive};
use crate::live_node::{PATIENCE, settings, wait_for};
use crate::support::{Read, column, model_folder, read};

struct Talk {
    node: RosNode,
    bus: LocalBus,
    peer: LocalNode,
    publishers: Vec<(&'static str, Box<dyn Publisher>)>,
}

impl Talk {
    /// A node that is unconfigured, with the publishers of a drive.
    fn new(change: impl FnOnce(&mut NodeSettings), rules: &[&str]) -> Self {
        let bus = LocalBus::new();
        let peer = bus.node("peer");
        let mut settings = NodeSettings { model: model_folder(), ..settings() };
        change(&mut settings);
        let name = NodeName::new("/", "instanton").unwrap();
        let rules: Vec<RemapRule> = rules.iter().map(|rule| RemapRule::parse(rule).unwrap()).collect();
        let middleware = Arc::new(Remapped::new(Arc::new(bus.node("instanton")), &rules, &name));
        let store = Arc::new(ParameterStore::new(parameters::descriptions(&settings), vec![]).unwrap());
        let node = RosNode::new(middleware, &name, settings, &store, None).unwrap();
        let deep = Qos { depth: 100, ..Qos::DEFAULT };
        let publishers = vec![
            (POINTS, peer.publish(POINTS, PointCloud2View::TYPE, deep).unwrap()),
            ("/tf_static", peer.publish("/tf_static", TfMessage::TYPE, Qos { depth: 100, ..Qos::LATCHED }).unwrap()),
            ("/tf", peer.publish("/tf", TfMessage::TYPE, deep).unwrap()),
            ("/clock", peer.publish("/clock", Clock::TYPE, Qos::DEFAULT).unwrap()),
        ];
        Self { node, bus, peer, publishers }
    }

    fn send(&self, topic: &str, bytes: &[u8]) {
        self.publishers.iter().find(|(name, _)| *name == topic).unwrap().1.send(bytes).unwrap();
    }

    /// Sends what is on a topic of a recording.
    fn play(&self, messages: &[Read], topic: &str) {
        messages.iter().filter(|message| message.topic == topic).for_each(|message| self.send(topic, &message.data));
    }

    fn hear(&self, topic: &str, message: MessageType) -> (Receiver<Vec<u8>>, Box<dyn Subscription>) {
        let (sender, heard) = channel();
        let on_message = move |received: Received<'_>| drop(sender.send(received.bytes.to_vec()));
        (heard, self.peer.subscribe(topic, message, Qos::DEFAULT, Box::new(on_message)).unwrap())
    }

    fn call<'m, S: ServiceCall>(&self, service: &str, request: &S::Request<'m>) -> Vec<u8> {
        let mut bytes = Vec::new();
        request.encode(&mut bytes).unwrap();
        self.bus.call(&format!("/instanton/{service}"), &bytes, PATIENCE).expect("an answer")
    }

    fn lead(&self, label: &str) -> bool {
        let request = ChangeStateRequest { transition: TransitionView { id: 0, label } };
        ChangeStateResponse::decode(&self.call::<ChangeState>("change_state", &request)).unwrap().success
    }

    fn set(&self, name: &str, value: ParameterValueView<'_>) -> Result<(), String> {
        let parameters = [ParameterView { name, value }];
        let request = SetParametersRequest { parameters: Sequence::listed(&parameters) };
        let answer = self.call::<SetParameters>("set_parameters", &request);
        let result = SetParametersResponse::decode(&answer).unwrap().results.iter().next().unwrap();
        if result.successful { Ok(()) } else { Err(result.reason.to_owned()) }
    }

    fn wait_for(&self, what: &str, met: impl Fn(&Health) -> bool) -> Health {
        wait_for(|| self.node.health(), what, met)
    }
}

fn text(value: &str) -> ParameterValueView<'_> {
    ParameterValueView { kind: parameter_type::STRING, string_value: value, ..ParameterValueView::default() }
}

fn whole(value: i64) -> ParameterValueView<'static> {
    ParameterValueView { kind: parameter_type::INTEGER, integer_value: value, ..ParameterValueView::default() }
}

fn messages(folder: &Path, frames: i64) -> Vec<Read> {
    let path = folder.join("drive.mcap");
    drive(&path, frames);
    read(&path)
}

#[test]
fn it_is_led_through_its_states_and_labels_only_while_it_is_active() {
    let folder = tempfile::tempdir().unwrap();
    let drive = messages(folder.path(), 3);
    let cloud = &drive.iter().find(|message| message.topic == POINTS).unwrap().data;
    let talk = Talk::new(|_| {}, &[]);
    let (events, _events) = talk.hear("/instanton/transition_event", TransitionEvent::TYPE);
    assert_eq!(talk.node.state(), State::Unconfigured);
    assert!(!talk.lead("activate"), "there is no such transition yet");
    assert!(talk.lead("configure"));
    assert_eq!(talk.node.state(), State::Inactive);
    let (labelled, _labelled) = talk.hear("/instanton/labelled", PointCloud2View::TYPE);
    talk.play(&drive, "/tf_static");
    talk.play(&drive, "/tf");
    assert_eq!(talk.publishers[0].1.subscriptions(), 0, "inactive, it does not listen to clouds");
    for round in 1..=2 {
        assert!(talk.lead("activate"));
        talk.send(POINTS, cloud);
        let message = labelled.recv_timeout(PATIENCE).expect("labelled");
        assert_eq!(column(&message, "label").len(), 2000);
        talk.wait_for("counted", |health| health.counts.served == round);
        assert!(talk.lead("deactivate"));
        assert_eq!(talk.publishers[0].1.subscriptions(), 0);
    }
    let answer = talk.call::<GetState>("get_state", &GetStateRequest {});
    assert_eq!(CurrentState::decode(&answer).unwrap().current_state.label, "inactive");
    assert!(talk.lead("cleanup"));
    assert_eq!(talk.node.health(), Health::default());
    assert!(talk.lead("shutdown"));
    assert_eq!(talk.node.state(), State::Finalized);
    let told: Vec<Vec<u8>> = (0..14).map(|_| events.recv_timeout(PATIENCE).expect("an event")).collect();
    let goals: Vec<&str> = told.iter().map(|event| TransitionEvent::decode(event).unwrap().goal_state.label).collect();
    let expected = [
        ["configuring", "inactive"],
        ["activating", "active"],
        ["deactivating", "inactive"],
        ["activating", "active"],
        ["deactivating", "inactive"],
        ["cleaningup", "unconfigured"],
        ["shuttingdown", "finalized"],
    ];
    assert_eq!(goals, expected.concat());
}

#[test]
fn what_does_not_fit_keeps_it_unconfigured_and_says_why() {
    let absent = Talk::new(|settings| settings.model = "/nowhere/model".into(), &[]);
    let said = absent.node.autostart().unwrap_err();
    assert_eq!(absent.node.state(), State::Unconfigured);
    assert!(std::error::Error::source(&said).unwrap().to_string().contains("/nowhere/model"), "{said}");
    // Mended, it starts.
    absent.set("model", text(model_folder().to_str().unwrap())).unwrap();
    absent.node.autostart().unwrap();
    let unknown = Talk::new(|settings| settings.object_classes = vec!["unicorn".to_owned()], &[]);
    let said = unknown.node.autostart().unwrap_err().to_string();
    assert!(said.contains("unicorn") && said.contains("ceiling"), "{said}");
}

#[test]
fn parameters_change_with_the_next_frame_or_when_it_is_unconfigured() {
    let folder = tempfile::tempdir().unwrap();
    let drive = messages(folder.path(), 3);
    let cloud = &drive.iter().find(|message| message.topic == POINTS).unwrap().data;
    let talk = Talk::new(|_| {}, &[]);
    talk.node.autostart().unwrap();
    talk.play(&drive, "/tf_static");
    talk.play(&drive, "/tf");
    let (labelled, _labelled) = talk.hear("/instanton/labelled", PointCloud2View::TYPE);
    let (obstacles, _obstacles) = talk.hear("/instanton/obstacles", PointCloud2View::TYPE);
    let mut colours = Vec::new();
    let mut widths = Vec::new();
    for colour in ["class", "instance"] {
        talk.set("colour", text(colour)).unwrap();
        talk.send(POINTS, cloud);
        let message = labelled.recv_timeout(PATIENCE).expect("labelled");
        let bits: Vec<u64> = column(&message, "rgb").into_iter().map(f64::to_bits).collect();
        colours.push(bits);
        widths.push(PointCloud2View::decode(&obstacles.recv_timeout(PATIENCE).unwrap()).unwrap().width);
        let voxel = ParameterValueView { kind: parameter_type::DOUBLE, double_value: 0.5, ..Default::default() };
        talk.set("obstacle_voxel", voxel).unwrap();
    }
    assert_ne!(colours[0], colours[1]);
    assert!(widths[1] < widths[0] / 2, "{widths:?}");
    // Nonsense is refused with the reason, and nothing changes.
    let five = ParameterValueView { kind: parameter_type::DOUBLE, double_value: -5.0, ..Default::default() };
    let classes = ["floor", "unicorn"];
    let list = ParameterValueView {
        kind: parameter_type::STRING_ARRAY,
        string_array_value: Sequence::listed(&classes),
        ..Default::default()
    };
    for (name, value, word) in [
        ("colour", text("plaid"), "plaid"),
        ("colour", whole(1), "type"),
        ("deadline_ms", five, "-5"),
        ("dedline_ms", five, "deadline_ms"),
        ("threads", whole(1), "unconfigured"),
        ("passable_classes", list, "unicorn"),
    ] {
        let said = talk.set(name, value).unwrap_err();
        assert!(said.contains(word), "{name}: {said}");
    }
    assert!(talk.lead("deactivate") && talk.lead("cleanup"));
    talk.set("threads", whole(1)).unwrap();
    let backwards = ParameterValueView { kind: parameter_type::DOUBLE, double_value: 500.0, ..Default::default() };
    let said = talk.set("minimum_range", backwards).unwrap_err();
    assert!(said.contains("minimum_range"), "{said}");
    talk.node.autostart().unwrap();
    talk.send(POINTS, cloud);
    // Cleaned up, it has forgotten the moving transforms; the fixed ones come again.
    talk.play(&drive, "/tf");
    talk.send(POINTS, cloud);
    labelled.recv_timeout(PATIENCE).expect("labelled again");
}

#[test]
fn it_says_how_it_fares_and_that_nothing_comes() {
    let folder = tempfile::tempdir().unwrap();
    let drive = messages(folder.path(), 3);
    let mut talk = Talk::new(|settings| settings.transform_wait = Duration::ZERO, &["/diagnostics:=/health"]);
    let (said, _said) = talk.hear("/health", DiagnosticArray::TYPE);
    assert_eq!(talk.node.look().unwrap().message, "unconfigured");
    talk.node.autostart().unwrap();
    assert_eq!(talk.node.look().unwrap().level, level::OK);
    let cloud = &drive.iter().find(|message| message.topic == POINTS).unwrap().data;
    talk.send(POINTS, cloud);
    talk.wait_for("dropped", |health| health.counts.undecoded == 1);
    let diagnosis = talk.node.look().unwrap();
    assert_eq!(diagnosis.level, level::ERROR, "all of what came was dropped: {diagnosis:?}");
    assert!(diagnosis.message.contains("without a transform"), "{diagnosis:?}");
    assert!(diagnosis.values.contains(&("transform gaps: missing".to_owned(), "1".to_owned())), "{diagnosis:?}");
    // Transforms come by threads of their own: from now on they are waited for.
    talk.set("transform_wait_ms", whole(10_000)).unwrap();
    talk.play(&drive, "/tf_static");
    talk.play(&drive, "/tf");
    for served in 1..=3 {
        talk.send(POINTS, cloud);
        talk.wait_for("served", |health| health.counts.served == served);
    }
    let diagnosis = talk.node.look().unwrap();
    let value = |key: &str| diagnosis.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    assert_eq!((value("frames labelled"), value("frames dropped")), (Some("3"), Some("0")), "{diagnosis:?}");
    assert_ne!(value("latency p50 (ms)"), Some("0.0"));
    // Silence of more than three of its periods, which are those of this machine.
    let start = Instant::now();
    while talk.node.look().unwrap().level != level::STALE {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    talk.send(POINTS, cloud);
    talk.wait_for("served", |health| health.counts.served == 4);
    assert_eq!(talk.node.look().unwrap().level, level::OK, "well with the first frame");
    let mut levels = Vec::new();
    while levels.last() != Some(&level::OK) || !levels.contains(&level::STALE) {
        let message = said.recv_timeout(PATIENCE).expect("all that was said");
        let array = DiagnosticArray::decode(&message).unwrap();
        let status = array.status.iter().next().unwrap();
        assert_eq!((status.name, status.hardware_id), ("instanton: labelling", POINTS));
        levels.push(status.level);
    }
    assert!(levels.contains(&level::ERROR));
}

/// A bag that begins again an hour back: its old transforms are forgotten, its frames labelled.
#[test]
fn the_clock_may_be_set_back_by_an_hour() {
    const HOUR: i32 = 3600;
    let folder = tempfile::tempdir().unwrap();
    let drive = messages(folder.path(), 2);
    let talk = Talk::new(|settings| settings.transform_wait = Duration::from_secs(10), &[]);
    let on = ParameterValueView { kind: parameter_type::BOOL, bool_value: true, ..ParameterValueView::default() };
    talk.set("use_sim_time", on).unwrap();
    talk.node.autostart().unwrap();
    talk.play(&drive, "/tf_static");
    let cloud = drive.iter().find(|message| message.topic == POINTS).unwrap().data.clone();
    let seconds = i32::from_le_bytes(cloud[4..8].try_into().unwrap());
    let clock = |seconds: i32| {
        let mut bytes = Vec::new();
        Clock { clock: instanton::ros::Time { sec: seconds, nanosec: 0 } }.encode(&mut bytes).unwrap();
        talk.send("/clock", &bytes);
        let start = Instant::now();
        while (talk.node.now())().sec != seconds {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    clock(seconds);
    talk.play(&drive, "/tf");
    talk.send(POINTS, &cloud);
    talk.wait_for("served", |health| health.counts.served == 1);
    clock(seconds - HOUR);
    talk.set("transform_wait_ms", whole(0)).unwrap();
    // Stamps are behind the encapsulation header of each cloud, and behind the count of each message of transforms.
    let back = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        let seconds = i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        bytes[at..at + 4].copy_from_slice(&(seconds - HOUR).to_le_bytes());
        bytes
    };
    talk.send(POINTS, &cloud);
    let health = talk.wait_for("forgotten", |health| health.dropped.get("no transform") == Some(&1));
    assert_eq!(health.transform_gaps.values().sum::<u64>(), 1);
    talk.set("transform_wait_ms", whole(10_000)).unwrap();
    for message in drive.iter().filter(|message| message.topic == "/tf") {
        talk.send("/tf", &back(&message.data, 8));
    }
    talk.send(POINTS, &back(&cloud, 4));
    let health = talk.wait_for("served in the past", |health| health.counts.served == 2);
    assert_eq!(health.counts.clock_jumps, 1, "the map is forgotten with the first frame");
}

/// What the process holds after as many is measured where it is alone (`tests/ros2/lifecycle.rs`).
#[test]
fn a_hundred_cycles_leave_nothing_behind() {
    let talk = Talk::new(|_| {}, &[]);
    let folder = tempfile::tempdir().unwrap();
    let drive = messages(folder.path(), 2);
    let cloud = &drive.iter().find(|message| message.topic == POINTS).unwrap().data;
    talk.play(&drive, "/tf_static");
    for cycle in 0..100 {
        assert!(talk.lead("configure") && talk.lead("activate"), "{cycle}");
        talk.play(&drive, "/tf");
        talk.send(POINTS, cloud);
        talk.wait_for("served", |health| health.counts.served == 1);
        assert!(talk.lead("deactivate") && talk.lead("cleanup"), "{cycle}");
        let heard = talk.publishers.iter().map(|(_, publisher)| publisher.subscriptions()).sum::<usize>();
        assert_eq!(heard, 0, "{cycle}: it listens to nothing any more");
    }
}
