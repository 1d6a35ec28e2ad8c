//! A bag, message by message.

use std::path::Path;
use std::time::Instant;

use super::choose::{Chosen, choose};
use super::frame::FrameDecoder;
use super::queue::Kept;
use super::reader::{Beside, FrameReader, Taker};
use super::session::{Session, TakenFrom};
use super::{DropReason, Event, LABELLED_TOPIC, Orientation, ReplayError, ReplayOptions, ReplaySummary, ending};
use crate::cloud::{Cloud, label_cloud, label_organised};
use crate::engine::Engine;
use crate::latency::{Stage, StageTimes};
use crate::network::Model;
use crate::ros::{CameraInfo, CompressedImageView, Header, ImageView, Message, PointCloud2View, TfMessage};
use crate::transport::{McapSink, RawMessage, Sink, SinkOptions, Source, Topic, TopicMap, open_bag};

/// As [`super::replay`], for a bag.
pub fn replay(
    input: &Path,
    output: Option<&Path>,
    model: &Model,
    options: &ReplayOptions,
    engines: Option<Vec<Box<dyn Engine>>>,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<ReplaySummary, ReplayError> {
    let mut source = open_bag(input)?;
    let chosen = choose(input, source.as_ref(), options.topic.as_deref())?;
    let mut sink = output.map(create).transpose()?;
    let mut map = TopicMap::new();
    if let Some(sink) = &mut sink {
        map.add_all(source.as_ref(), sink.as_mut())?;
    }
    let mut session = Session::new(input, model, options, options.config.clone(), engines, observe)?;
    session.summary.topic = source.topics()[chosen.topic()].name.clone();
    let mut reader = FrameReader::new(chosen, options.orientation, &options.config.input.fixed_frame);
    let mut run = Run {
        session,
        orientation: options.orientation,
        told_fixed_frame: false,
        decoder: FrameDecoder::default(),
        cloud: Cloud::default(),
        encoded: Vec::new(),
        labelled: None,
        sink,
    };
    if let Chosen::Depth { colour: Some(colour), .. } = chosen {
        run.session.summary.colour_topic = Some(source.topics()[colour].name.clone());
    }
    let topic = run.session.summary.topic.clone();
    run.session.tell(Event::Started { topic: &topic, messages: source.message_count() });

    loop {
        match source.advance() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                // A failing disk: what was read so far is worth keeping.
                run.session.summary.damage.push(format!("reading stopped: {}", chain(&error)));
                break;
            }
        }
        let message = source.current();
        let topic = &source.topics()[message.topic];
        if let Some(sink) = &mut run.sink
            && topic.name != LABELLED_TOPIC
        {
            map.forward(source.as_ref(), sink.as_mut())?;
        }
        reader.take(message, topic, &mut run)?;
        run.session.summary.messages += 1;
        let messages = run.session.summary.messages;
        run.session.tell(Event::Progress { messages });
    }
    reader.finish(&mut run)?;
    run.session.summary.refused_transforms = reader.beside.placer.refused();
    run.finish(source.as_ref())
}

/// The output: one file, or a folder as rosbag2 makes it.
fn create(path: &Path) -> Result<Box<dyn Sink>, ReplayError> {
    let options = SinkOptions::with_definitions(definition);
    match ending(path).as_str() {
        "mcap" => Ok(Box::new(McapSink::create(path, options)?)),
        "" => Ok(Box::new(McapSink::create_folder(path, options)?)),
        _ => Err(ReplayError::OutputEnding {
            path: path.to_owned(),
            expected: ".mcap, or has no ending for a rosbag2 folder (the input is a bag)",
        }),
    }
}

/// Definitions for topics that come without one.
fn definition(type_name: &str) -> Option<&'static str> {
    let known = [PointCloud2View::TYPE, ImageView::TYPE, CompressedImageView::TYPE, CameraInfo::TYPE, TfMessage::TYPE];
    known.iter().find(|known| known.name == type_name).map(|known| known.definition)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// What a run holds between messages.
struct Run<'o> {
    session: Session<'o>,
    orientation: Orientation,
    told_fixed_frame: bool,
    decoder: FrameDecoder,
    cloud: Cloud,
    encoded: Vec<u8>,
    /// Index of the labelled topic in the sink.
    labelled: Option<usize>,
    sink: Option<Box<dyn Sink>>,
}

impl Taker for Run<'_> {
    /// One frame's way: decode, pose, labels, message. The inner result says why it was dropped.
    fn frame(
        &mut self,
        frame: &Kept,
        pose: Option<nalgebra::Isometry3<f64>>,
        beside: &mut Beside,
    ) -> Result<Result<(), DropReason>, ReplayError> {
        let start = Instant::now();
        let mut times = StageTimes::default();
        let header = match times.measure(Stage::Decode, || self.decode(frame, beside)) {
            Ok(header) => header,
            Err(reason) => return Ok(Err(reason)),
        };
        let optical = beside.is_optical(header.frame_id, &self.cloud);
        let pose = match pose.map_or_else(|| beside.placer.estimate(&self.cloud, optical), Ok) {
            Ok(pose) => pose,
            Err(reason) => return Ok(Err(reason)),
        };
        if !self.told_fixed_frame
            && let Some(name) = beside.placer.fixed_frame()
        {
            self.told_fixed_frame = true;
            self.session.summary.fixed_frame = Some(name.to_owned());
            let name = name.to_owned();
            self.session.tell(Event::FixedFrame { name: &name });
        }
        let view = TakenFrom { pose, optical: optical && self.orientation != Orientation::Upright };
        let report = self.session.label(&self.cloud, view, frame.stamp, beside.placer.forgets(), &mut times);
        if self.sink.is_some() {
            times.measure(Stage::Encode, || self.encode(frame, header, beside.chosen))?;
        }
        self.session.complete(&self.cloud, pose, frame.stamp, report, &times, start.elapsed());
        // The next frame gets the buffers of the one before.
        std::mem::swap(&mut self.cloud, &mut self.session.last_cloud);
        Ok(Ok(()))
    }

    fn drop_frame(&mut self, stamp: i64, reason: &DropReason) {
        self.session.drop_frame(stamp, reason);
    }

    fn unreadable_transforms(&mut self) {
        self.session.summary.unreadable_transforms += 1;
    }
}

impl Run<'_> {
    /// Message → cloud.
    fn decode<'f>(&mut self, frame: &'f Kept, beside: &Beside) -> Result<Header<'f>, DropReason> {
        let parts = beside.parts(frame)?;
        if matches!(beside.chosen, Chosen::Depth { colour: Some(_), .. }) && !parts.has_colour() {
            self.session.summary.without_colour += 1;
        }
        self.decoder.decode(&parts, &mut self.cloud)?;
        Ok(beside.chosen.header(&frame.data)?)
    }

    /// Labels → message, into the output.
    fn encode(&mut self, frame: &Kept, header: Header<'_>, chosen: Chosen) -> Result<(), ReplayError> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        let (labels, colouring) = (&self.session.labels, self.session.colouring());
        match chosen {
            Chosen::Points { .. } => {
                label_cloud(&PointCloud2View::decode(&frame.data)?, labels, colouring, &mut self.encoded)?;
            }
            Chosen::Depth { .. } => {
                let ImageView { width, height, .. } = ImageView::decode(&frame.data)?;
                label_organised(header, width, height, &self.cloud, labels, colouring, &mut self.encoded)?;
            }
        }
        let topic = match self.labelled {
            Some(topic) => topic,
            None => *self.labelled.insert(sink.add_topic(&labelled_topic())?),
        };
        let (log_time, publish_time) = (frame.log_time, frame.publish_time);
        Ok(sink.write(RawMessage { topic, log_time, publish_time, data: &self.encoded })?)
    }

    /// Completes the output and the summary.
    fn finish(mut self, source: &dyn Source) -> Result<ReplaySummary, ReplayError> {
        let damage = source.damage().iter().map(ToString::to_string);
        self.session.summary.damage.splice(0..0, damage);
        // Without one labelled frame the output would be a copy of the input that looks like a result.
        if let Some(sink) = self.sink.take()
            && self.session.summary.frames > 0
        {
            self.session.summary.output = Some(sink.finish()?.path);
        }
        self.session.finish()
    }
}

fn labelled_topic() -> Topic {
    let of = PointCloud2View::TYPE;
    Topic {
        schema: of.definition.as_bytes().to_vec(),
        schema_encoding: "ros2msg".into(),
        type_hash: of.hash.into(),
        ..Topic::new(LABELLED_TOPIC, of.name)
    }
}
