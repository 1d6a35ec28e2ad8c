//! `instanton run`: live clouds of a ROS 2 network in, labelled clouds out, without a ROS installation.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Verdict, model_folder};
use crate::config::Config;
use crate::engine::EngineKind;
use crate::network::Model;
use crate::node::{Health, NodeSettings, RosNode, parameters};
use crate::pipeline::ThreadRole;
use crate::replay::{ColourBy, Orientation};
use crate::ros::arguments::RosArguments;
use crate::ros::names::NodeName;
use crate::ros::parameters::{ParameterStore, overrides_of};
use crate::ros::remapping::NameKind;
use crate::ros::rosout::{Rosout, RosoutLogger};
use crate::ros::{Middleware, Qos, Reliability, system_time};
use crate::scheduling::Scheduling;
use crate::transport::dds::{Dds, DdsOptions};

/// How often the node looks after itself.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which it is told that nobody publishes.
const SILENT_LOOKS: u32 = 5;
/// Longest time that a frame under way may take to end when the program is told to.
const LEAVE_WITHIN: Duration = Duration::from_millis(900);

/// Arguments of `instanton run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton run --cloud /camera/points                        # any machine of the network, no ROS needed
  instanton run --cloud /ouster/points --fixed-frame map --deadline-ms 80
  instanton run --cloud /points --upright                     # no transforms: the sensor's own z is up
  ROS_DOMAIN_ID=7 instanton -v run --cloud points --ros-args -r __ns:=/robot -p deadline_ms:=80

Publishes, each only while somebody listens: ~/labelled (the input's fields, label, instance, confidence, colour),
~/objects (vision_msgs/Detection3DArray), ~/markers (boxes and names for RViz and Foxglove), ~/obstacles (everything that
is neither floor nor ceiling), /diagnostics, /rosout. Parameters: `ros2 param list` while it runs. Ends with Ctrl-C.

Exit codes: 0 ended when told to; 2 bad input, or what the system forbids.")]
pub(super) struct Arguments {
    /// Topic of the clouds (sensor_msgs/msg/PointCloud2).
    #[arg(long, value_name = "TOPIC")]
    cloud: String,
    /// Gravity-aligned frame in which the map lives [default: the configuration's, else found].
    #[arg(long, value_name = "FRAME")]
    fixed_frame: Option<String>,
    /// The sensor's own z is up; transforms are not used, each frame is labelled by itself.
    #[arg(long, conflicts_with_all = ["estimate_up", "fixed_frame"])]
    upright: bool,
    /// The floor of each frame says which way is up; each frame is labelled by itself.
    #[arg(long, conflicts_with = "fixed_frame")]
    estimate_up: bool,
    /// Longest wait for the transform of a cloud (ms).
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=10_000))]
    transform_wait_ms: u64,
    /// Ask for every cloud to be sent until it has come; most sensors do not offer that.
    #[arg(long)]
    reliable: bool,
    /// Model folder [default: $INSTANTON_MODEL, else the shipped model].
    #[arg(long)]
    model: Option<PathBuf>,
    /// Configuration (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    /// What runs the network.
    #[arg(long, value_enum, default_value_t = EngineKind::default())]
    engine: EngineKind,
    /// Threads that run blocks; 0: one per core [default: the configuration's].
    #[arg(long)]
    threads: Option<usize>,
    /// Time from a cloud's arrival to its labels (ms); 0: as long as it takes [default: the configuration's].
    #[arg(long)]
    deadline_ms: Option<f64>,
    /// What the colours of the labelled clouds mean.
    #[arg(long, value_enum, default_value_t)]
    colour: ColourBy,
    /// Name of the node.
    #[arg(long, default_value = "instanton")]
    name: String,
    /// Namespace of the node.
    #[arg(long, default_value = "/")]
    namespace: String,
    /// DDS domain [default: $ROS_DOMAIN_ID, else 0].
    #[arg(long)]
    domain: Option<u16>,
    /// Cores for the node, such as 2,3.
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// Run the node in the real-time class at this priority, 1 to 99.
    #[arg(long, value_name = "PRIORITY")]
    realtime: Option<u8>,
    /// Keep all memory from being paged out.
    #[arg(long)]
    lock_memory: bool,
}

/// What a ROS 2 node is told beside its own arguments, and where its log goes.
pub(super) struct Ros {
    /// `--ros-args`.
    pub(super) arguments: RosArguments,
    /// The program's logger.
    pub(super) logger: &'static RosoutLogger,
}

pub(super) fn run(arguments: &Arguments, ros: &Ros) -> anyhow::Result<Verdict> {
    let name = ros.arguments.node_name(&arguments.namespace, &arguments.name)?;
    let mut settings = settings(arguments, &ros.arguments, &name)?;
    let overrides = overrides_of(&ros.arguments.overrides, &name);
    let store = Arc::new(ParameterStore::new(parameters::descriptions(&settings), overrides)?);
    for ignored in store.ignored() {
        log::warn!("no such parameter: {ignored}");
    }
    parameters::apply(&mut settings, &store)?;
    settings.config.check()?;
    let folder = model_folder(arguments.model.as_deref())?;
    let model = Model::open(&folder).context("the model")?;
    let scheduling =
        Scheduling { cores: arguments.cores.clone(), realtime: arguments.realtime, lock_memory: arguments.lock_memory };
    scheduling.rehearse()?;
    if scheduling.lock_memory {
        crate::scheduling::lock_memory()?;
    }
    let told = leave_when_told()?;

    let options = DdsOptions {
        domain: arguments.domain,
        node_name: name.name().to_owned(),
        namespace: name.namespace().to_owned(),
        range: None,
    };
    let middleware: Arc<dyn Middleware> = Arc::new(Dds::open(options)?);
    if ros.arguments.rosout_logs != Some(false) {
        let rosout = Rosout::new(&*middleware, &name.logger(), Arc::new(system_time))?;
        ros.logger.attach(Some((rosout, log::LevelFilter::Info)));
    }
    let hook = scheduling.hook(|role| matches!(role, ThreadRole::Worker(_)));
    let mut node = RosNode::start(&middleware, &name, &model, settings.clone(), &store, Some(hook))?;
    eprintln!("{} on {}: {} → {0}/labelled", settings.name, middleware.describe(), settings.cloud_topic);
    eprintln!(
        "labelled clouds above 100 kB: give Fast DDS subscribers larger buffers (ros2/config/fastdds_large_data.xml)"
    );
    let mut watch = Watch::default();
    while let Err(RecvTimeoutError::Timeout) = told.recv_timeout(LOOK) {
        match node.diagnose() {
            Ok(health) => watch.look(&health, &settings),
            Err(error) => log::warn!("/diagnostics: {error}"),
        }
    }
    ros.logger.attach(None);
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

fn settings(arguments: &Arguments, ros: &RosArguments, name: &NodeName) -> anyhow::Result<NodeSettings> {
    let mut config = match &arguments.config {
        Some(path) => Config::open(path)?,
        None => Config::default(),
    };
    arguments.fixed_frame.iter().for_each(|frame| config.input.fixed_frame.clone_from(frame));
    arguments.threads.into_iter().for_each(|threads| config.blocks.threads = threads);
    arguments.deadline_ms.into_iter().for_each(|deadline| config.latency.deadline_ms = deadline);
    let reliability = if arguments.reliable { Reliability::Reliable } else { Reliability::BestEffort };
    Ok(NodeSettings {
        cloud_topic: ros.resolve(name, NameKind::Topic, &arguments.cloud)?,
        cloud_qos: Qos { reliability, ..Qos::SENSOR_DATA },
        name: name.whole(),
        orientation: match (arguments.upright, arguments.estimate_up) {
            (true, _) => Orientation::Upright,
            (_, true) => Orientation::EstimateUp,
            _ => Orientation::Transforms,
        },
        transform_wait: Duration::from_millis(arguments.transform_wait_ms),
        colour: arguments.colour,
        engine: arguments.engine,
        config,
        ..NodeSettings::default()
    })
}

/// Says what is wrong once, when it begins.
#[derive(Debug, Default)]
struct Watch {
    mismatches: u64,
    was_stale: bool,
    told_silence: bool,
    looks: u32,
}

impl Watch {
    fn look(&mut self, health: &Health, settings: &NodeSettings) {
        let topic = &settings.cloud_topic;
        let (publishers, mismatch) = health.publishers;
        if let Some(mismatch) = mismatch.filter(|mismatch| mismatch.count > self.mismatches) {
            self.mismatches = mismatch.count;
            let policy = mismatch.policy;
            log::warn!("{topic}: a publisher offers less {policy} than is asked for: nothing will come of it");
        }
        self.looks += 1;
        if !self.told_silence && self.looks == SILENT_LOOKS && publishers == 0 {
            self.told_silence = true;
            log::warn!("{topic}: nobody publishes it so far (name, type and ROS_DOMAIN_ID right?)");
        }
        let stale = health.is_stale();
        if stale != self.was_stale {
            self.was_stale = stale;
            match stale {
                true => log::warn!("{topic}: no cloud for {:.1} s", health.input_age.unwrap_or_default().as_secs_f64()),
                false => log::warn!("{topic}: clouds come again"),
            }
        }
        let counts = health.counts;
        log::debug!(
            "{} clouds, {} labelled, {} replaced by newer ones, {} dropped {:?}; age {:.0} ms, p99 {:.0} ms, {} late",
            counts.offered,
            counts.served,
            counts.dropped,
            counts.undecoded,
            health.dropped,
            health.age[0],
            health.age[1],
            health.misses
        );
    }
}

/// Ends the node; a frame that takes too long is left to the system.
fn leave(node: RosNode) {
    let (done, ended) = channel();
    let ending = move || {
        drop(node);
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(ending).is_ok() && ended.recv_timeout(LEAVE_WITHIN).is_err() {
        log::warn!("a frame is still under way: it is left");
    }
}
