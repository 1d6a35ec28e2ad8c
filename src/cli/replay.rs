//! `instanton replay`: a recording in, labelled clouds out.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::common::{OrientationArguments, config_of};
use super::{Verdict, model_folder};
use crate::network::Model;
use crate::replay::{ColourBy, Event, ReplayOptions, replay};

/// Arguments of `instanton replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton replay drive.mcap --out labelled.mcap           # opens in Foxglove or RViz
  instanton replay drive/ --topic /front/points --json      # a rosbag2 folder, summary for a machine
  instanton replay scan.pcd --upright --out labelled.ply    # a cloud whose z is up
  instanton replay kinect.pcd --estimate-up --picture p.png # one frame of a camera that nobody placed

Exit codes: 0 labelled; 1 ran, but the recording is damaged, blocks failed or no frame could be labelled;
2 bad input, or a place that cannot be written.")]
pub(super) struct Arguments {
    /// A rosbag2 folder, .mcap, .db3, .pcd, .ply, .npy or .npz.
    input: PathBuf,
    /// Where the labelled clouds go: .mcap (or a folder) for a bag, .pcd or .ply for a cloud.
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Model folder [default: $INSTANTON_MODEL, else the shipped model].
    #[arg(long)]
    model: Option<PathBuf>,
    /// Topic of the clouds or depth images [default: the one with most messages, clouds first].
    #[arg(long)]
    topic: Option<String>,
    /// Configuration (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    orientation: OrientationArguments,
    /// Label each frame by itself, without memory of those before.
    #[arg(long)]
    single_frame: bool,
    /// What the colours of the labelled clouds mean.
    #[arg(long, value_enum, default_value_t)]
    colour: ColourBy,
    /// Paint the map (the last frame, where each is by itself) as .png: colour, class, instance.
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Summary as JSON on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut config = config_of(arguments.config.as_deref())?;
    config.map.single_frame |= arguments.single_frame;
    let options = ReplayOptions {
        topic: arguments.topic.clone(),
        orientation: arguments.orientation.orientation(),
        config,
        colour: arguments.colour,
        picture: arguments.picture.clone(),
    };
    let folder = model_folder(arguments.model.as_deref())?;
    let model = Model::open(&folder).context("the model")?;

    // Draws nothing where stderr is no terminal.
    let bar = ProgressBar::no_length();
    let mut observe = |event: Event<'_>| match event {
        Event::Started { topic, messages } => {
            let style = "{msg}  {wide_bar} {human_pos}/{human_len} messages  {elapsed} (eta {eta})";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            messages.into_iter().for_each(|messages| bar.set_length(messages));
            bar.set_message(topic.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Event::Progress { messages } => bar.set_position(messages),
        Event::FixedFrame { name } => log::info!("the map lives in frame {name}"),
        Event::Frame(frame) => log::info!("frame {}: {:?}", frame.index, frame.report),
        Event::Dropped { .. } => {}
    };
    let summary = replay(&arguments.input, arguments.out.as_deref(), &model, &options, &mut observe);
    bar.finish_and_clear();
    let summary = summary?;
    let mut out = stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
    } else {
        writeln!(out, "{summary}")?;
    }
    Ok(if summary.is_failure() { Verdict::Failed } else { Verdict::Passed })
}
