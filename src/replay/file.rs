//! One cloud from a file.

use std::path::Path;
use std::time::Instant;

use nalgebra::Isometry3;

use super::place::Placer;
use super::session::{Session, TakenFrom};
use super::{ColourBy, DropReason, Event, Orientation, ReplayError, ReplayOptions, ReplaySummary, ending};
use crate::cloud::{INVALID_CLASS, instance_colour};
use crate::config::Config;
use crate::engine::Engine;
use crate::latency::{Stage, StageTimes};
use crate::network::Model;
use crate::transport::{LabelledPoints, open_cloud, write_cloud};

/// As [`super::replay`], for a cloud file.
pub fn replay(
    input: &Path,
    output: Option<&Path>,
    model: &Model,
    options: &ReplayOptions,
    engines: Option<Vec<Box<dyn Engine>>>,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<ReplaySummary, ReplayError> {
    if let Some(path) = output
        && !["pcd", "ply"].contains(&ending(path).as_str())
    {
        return Err(ReplayError::OutputEnding {
            path: path.to_owned(),
            expected: ".pcd or .ply (the input is one cloud)",
        });
    }
    let start = Instant::now();
    let mut times = StageTimes::default();
    let mut file = times.measure(Stage::Decode, || open_cloud(input))?;
    let mut session = Session::new(input, model, options, unbounded(&options.config), engines, observe)?;
    let name = input.to_string_lossy();
    session.summary.topic = name.clone().into_owned();
    session.summary.single_frame = true;
    session.tell(Event::Started { topic: &name, messages: Some(1) });

    let mut placer = Placer::new(options.orientation, "");
    let optical = options.orientation == Orientation::EstimateUp && placer.is_optical("", &file.cloud);
    let pose = match options.orientation {
        Orientation::Transforms => Err(DropReason::FileWithoutUp),
        Orientation::Upright => Ok(Isometry3::identity()),
        Orientation::EstimateUp => placer.estimate(&file.cloud, optical),
    };
    session.summary.messages = 1;
    match pose {
        Err(reason) => session.drop_frame(0, &reason),
        Ok(pose) => {
            let report = session.label(&file.cloud, TakenFrom { pose, optical }, 0, true, &mut times);
            if let Some(path) = output {
                let colour = colours(&session, options.colour, model);
                let points = LabelledPoints::of_file(&file, &session.labels);
                let points = LabelledPoints { colour: colour.as_deref(), ..points };
                times.measure(Stage::Encode, || write_cloud(path, points))?;
                session.summary.output = Some(path.to_owned());
            }
            session.complete(&file.cloud, pose, 0, report, &times, start.elapsed());
            session.last_cloud = std::mem::take(&mut file.cloud);
        }
    }
    session.tell(Event::Progress { messages: 1 });
    session.finish()
}

/// Bounds that keep a live frame short do not hold for a file, unless somebody set them.
fn unbounded(config: &Config) -> Config {
    let mut config = config.clone();
    let usual = Config::default();
    if config.input.maximum_range == usual.input.maximum_range {
        config.input.maximum_range = 1e4;
    }
    if config.map.radius == usual.map.radius {
        config.map.radius = 1e4;
    }
    if config.blocks.maximum_per_frame == usual.blocks.maximum_per_frame {
        config.blocks.maximum_per_frame = usize::MAX;
    }
    config
}

fn colours(session: &Session<'_>, colour: ColourBy, model: &Model) -> Option<Vec<[u8; 3]>> {
    let classes = &model.manifest().classes;
    let of_class = |&class: &u16| match class {
        INVALID_CLASS => [0; 3],
        class => classes.get(usize::from(class)).map_or([0; 3], |class| class.colour),
    };
    let of_instance = |&id: &u32| instance_colour(id);
    match colour {
        ColourBy::Sensor => None,
        ColourBy::Class => Some(session.labels.class.iter().map(of_class).collect()),
        ColourBy::Instance => Some(session.labels.instance.iter().map(of_instance).collect()),
    }
}
