//! A program that is a ROS 2 node, over whichever middleware.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Verdict;
use super::common::{LabellingArguments, OrientationArguments, SchedulingArguments};
use crate::node::{DepthTopics, Input, NodeSettings, RosNode, TopicQos, parameters};
use crate::pipeline::ThreadRole;
use crate::replay::{ColourBy, Orientation};
use crate::ros::arguments::RosArguments;
use crate::ros::lifecycle::State;
use crate::ros::names::{NameError, NodeName};
use crate::ros::parameters::{ParameterStore, overrides_of};
use crate::ros::remapping::Remapped;
use crate::ros::rosout::{Rosout, RosoutLogger};
use crate::ros::{Middleware, Qos, Reliability};

/// How often the node looks after itself.
const LOOK: Duration = Duration::from_secs(1);
/// Longest time that a frame under way may take to end when the program is told to.
const LEAVE_WITHIN: Duration = Duration::from_millis(900);

/// Arguments of a program that is the node.
#[derive(Debug, clap::Args)]
pub struct NodeArguments {
    /// Topic of the clouds (sensor_msgs/msg/PointCloud2).
    #[arg(long, value_name = "TOPIC", default_value = "points", conflicts_with = "depth")]
    cloud: String,
    /// Topic of depth images instead (sensor_msgs/msg/Image, or …/compressedDepth).
    #[arg(long, value_name = "TOPIC")]
    depth: Option<String>,
    /// Topic of their calibration [default: camera_info beside the images].
    #[arg(long, value_name = "TOPIC", requires = "depth")]
    camera_info: Option<String>,
    /// Topic of colour images that are registered to the depth images.
    #[arg(long, value_name = "TOPIC", requires = "depth")]
    colour_image: Option<String>,
    /// Gravity-aligned frame in which the map lives [default: the configuration's, else found].
    #[arg(long, value_name = "FRAME", conflicts_with_all = ["upright", "estimate_up"])]
    fixed_frame: Option<String>,
    #[command(flatten)]
    orientation: OrientationArguments,
    /// Longest wait for the transform of a cloud (ms).
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=10_000))]
    transform_wait_ms: u64,
    /// Ask for every cloud to be sent until it has come; most sensors do not offer that.
    #[arg(long)]
    reliable: bool,
    #[command(flatten)]
    labelling: LabellingArguments,
    /// Time from a cloud's arrival to its labels (ms); 0: as long as it takes [default: the configuration's; 0 where each
    /// frame is labelled by itself].
    #[arg(long)]
    deadline_ms: Option<f64>,
    /// What the colours of the labelled clouds mean.
    #[arg(long, value_enum, default_value_t)]
    colour: ColourBy,
    /// Stay unconfigured until somebody leads the node (ros2 lifecycle set).
    #[arg(long)]
    no_autostart: bool,
    /// Name of the node.
    #[arg(long, default_value = "instanton")]
    name: String,
    /// Namespace of the node.
    #[arg(long, default_value = "/")]
    namespace: String,
    #[command(flatten)]
    scheduling: SchedulingArguments,
}

/// What a ROS 2 node is told beside its own arguments, and where its log goes.
pub(super) struct Ros {
    /// `--ros-args`.
    pub(super) arguments: RosArguments,
    /// The program's logger.
    pub(super) logger: &'static RosoutLogger,
}

/// Runs the node until the program is told to end. `open` joins the network as a node of this name.
pub(super) fn run(
    arguments: &NodeArguments,
    ros: &Ros,
    open: impl FnOnce(&NodeName) -> anyhow::Result<Arc<dyn Middleware>>,
) -> anyhow::Result<Verdict> {
    let name = ros.arguments.node_name(&arguments.namespace, &arguments.name)?;
    let settings = settings(arguments, &name)?;
    let overrides = overrides_of(&ros.arguments.overrides, &name);
    let store = Arc::new(ParameterStore::new(parameters::descriptions(&settings), overrides)?);
    for ignored in store.ignored() {
        log::warn!("no such parameter: {ignored}");
    }
    let scheduling = arguments.scheduling.rehearsed()?;
    if scheduling.lock_memory {
        crate::scheduling::lock_memory()?;
    }
    let told = leave_when_told()?;

    let carrier = open(&name)?;
    let middleware: Arc<dyn Middleware> = Arc::new(Remapped::new(carrier, &ros.arguments.remap, &name));
    let hook = scheduling.hook(|role| matches!(role, ThreadRole::Worker(_)));
    let topic = middleware.topic_name(settings.input.topic());
    let is_whole = settings.orientation != Orientation::Transforms && settings.config.latency.deadline().is_none();
    let node = RosNode::new(Arc::clone(&middleware), &name, settings, &store, Some(hook))?;
    if ros.arguments.rosout_logs != Some(false) {
        let rosout = Rosout::new(&*middleware, &name.logger(), node.now())?;
        let level = ros.arguments.log_level.unwrap_or(log::LevelFilter::Info);
        ros.logger.attach(Some((rosout, level)));
    }
    eprintln!("{} on {}: {topic} → {0}/labelled", name.whole(), middleware.describe());
    if is_whole {
        eprintln!("each frame is labelled by itself and whole, however long that takes; --deadline-ms bounds it");
    }
    if store.value(parameters::AUTOSTART)? {
        node.autostart().context("the node does not start")?;
    } else {
        eprintln!("{}; ros2 lifecycle set {} configure", node.state(), name.whole());
    }
    watch(node, &told, ros.logger)
}

/// Looks after the node until the program is told to end, or the node is led to its end.
fn watch(mut node: RosNode, told: &Receiver<()>, logger: &RosoutLogger) -> anyhow::Result<Verdict> {
    while node.state() != State::Finalized
        && let Err(RecvTimeoutError::Timeout) = told.recv_timeout(LOOK)
    {
        if let Err(error) = node.look() {
            log::warn!("/diagnostics: {error}");
        }
    }
    logger.attach(None);
    leave(node);
    Ok(Verdict::Passed)
}

/// Hears when the system or somebody at the keyboard wants the program to end.
fn leave_when_told() -> std::io::Result<Receiver<()>> {
    let (tell, told) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let _ = signals.forever().next();
        let _ = tell.send(());
    })?;
    Ok(told)
}

/// Ends the node; a frame that takes too long is left to the system.
fn leave(node: RosNode) {
    let (done, ended) = channel();
    let ending = move || {
        node.shutdown();
        drop(node);
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(ending).is_ok() && ended.recv_timeout(LEAVE_WITHIN).is_err() {
        log::warn!("a frame is still under way: it is left");
    }
}

fn settings(arguments: &NodeArguments, name: &NodeName) -> anyhow::Result<NodeSettings> {
    let labelling = &arguments.labelling;
    let mut config = labelling.config()?;
    arguments.fixed_frame.iter().for_each(|frame| config.input.fixed_frame.clone_from(frame));
    let orientation = arguments.orientation.orientation();
    // A frame that is labelled by itself has nothing of those before: in a frame's usual time little of it would be
    // labelled.
    let whole = (orientation != Orientation::Transforms && labelling.config.is_none()).then_some(0.0);
    arguments.deadline_ms.or(whole).into_iter().for_each(|deadline| config.latency.deadline_ms = deadline);
    let reliability = if arguments.reliable { Reliability::Reliable } else { Reliability::BestEffort };
    let usual = TopicQos::default();
    Ok(NodeSettings {
        name: name.whole(),
        input: input(arguments, name)?,
        model: labelling.model.clone().unwrap_or_default(),
        orientation,
        transform_wait: Duration::from_millis(arguments.transform_wait_ms),
        colour: arguments.colour,
        engine: labelling.engine,
        qos: TopicQos { cloud: Qos { reliability, ..usual.cloud }, ..usual },
        autostart: !arguments.no_autostart,
        config,
        ..NodeSettings::default()
    })
}

/// Topics by their whole names.
fn input(arguments: &NodeArguments, name: &NodeName) -> Result<Input, NameError> {
    let Some(depth) = &arguments.depth else { return Ok(Input::Clouds(name.expand(&arguments.cloud)?)) };
    let mut topics = DepthTopics::new(&name.expand(depth)?);
    if let Some(camera_info) = &arguments.camera_info {
        topics.camera_info = name.expand(camera_info)?;
    }
    topics.colour = arguments.colour_image.as_deref().map(|topic| name.expand(topic)).transpose()?;
    Ok(Input::Depth(topics))
}
