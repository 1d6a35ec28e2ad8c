//! A bag, message by message.

use std::path::Path;
use std::time::Instant;

use super::choose::{Chosen, choose};
use super::pairing::Companions;
use super::place::{Located, Placer};
use super::queue::{Kept, Queue};
use super::session::{Session, TakenFrom};
use super::{DropReason, Event, LABELLED_TOPIC, Orientation, ReplayError, ReplayOptions, ReplaySummary, ending};
use crate::cloud::{Cloud, DepthProjector, decode, label_cloud, label_organised};
use crate::engine::Engine;
use crate::latency::{Stage, StageTimes};
use crate::network::Model;
use crate::ros::{CameraInfo, CdrError, CompressedImageView, Header, ImageView, Message, PointCloud2View, TfMessage};
use crate::transport::{McapSink, RawMessage, Sink, SinkOptions, Source, Topic, TopicMap, open_bag};

/// How long a frame waits for what belongs to it, in log time (ns).
const PATIENCE: u64 = 500_000_000;

/// Type of transform messages.
const TRANSFORMS: &str = TfMessage::TYPE.name;

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
    let mut run = Run {
        session,
        placer: Placer::new(options.orientation, &options.config.input.fixed_frame),
        orientation: options.orientation,
        told_fixed_frame: false,
        chosen,
        waiting: Queue::default(),
        companions: Companions::default(),
        projector: DepthProjector::new(),
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
        run.take(message, topic)?;
        run.settle(Some(message.log_time))?;
        run.session.summary.messages += 1;
        let messages = run.session.summary.messages;
        run.session.tell(Event::Progress { messages });
    }
    run.settle(None)?;
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
fn chain(error: &dyn std::error::Error) -> String {
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
    placer: Placer,
    orientation: Orientation,
    told_fixed_frame: bool,
    chosen: Chosen,
    waiting: Queue,
    companions: Companions,
    projector: DepthProjector,
    cloud: Cloud,
    encoded: Vec<u8>,
    /// Index of the labelled topic in the sink.
    labelled: Option<usize>,
    sink: Option<Box<dyn Sink>>,
}

impl Run<'_> {
    /// Keeps what a message brings: transforms, a frame, something that belongs to a frame.
    fn take(&mut self, message: RawMessage<'_>, topic: &Topic) -> Result<(), ReplayError> {
        let last = topic.name.rsplit('/').next().unwrap_or_default();
        if topic.type_name == TRANSFORMS && (last == "tf" || last == "tf_static") {
            if let Err(error) = self.placer.take(message.data, last == "tf_static") {
                log::warn!("{}: {error}", topic.name);
                self.session.summary.unreadable_transforms += 1;
            }
            return Ok(());
        }
        if message.topic == self.chosen.topic() {
            match self.header(message.data) {
                Ok(header) => {
                    let stamp = header.stamp.nanoseconds();
                    if self.waiting.is_full() {
                        self.settle_first(false)?;
                    }
                    self.waiting.push(stamp, message);
                }
                Err(error) => self.session.drop_frame(message.log_time as i64, &error.into()),
            }
        } else if let Chosen::Depth { camera_info, colour, .. } = self.chosen {
            if message.topic == camera_info {
                keep(&mut self.companions.camera_info, message, |data| CameraInfo::decode(data).map(|it| it.header));
            } else if Some(message.topic) == colour {
                keep(&mut self.companions.colour, message, |data| ImageView::decode(data).map(|it| it.header));
            }
        }
        Ok(())
    }

    fn header<'m>(&self, data: &'m [u8]) -> Result<Header<'m>, CdrError> {
        match self.chosen {
            Chosen::Points { .. } => PointCloud2View::decode(data).map(|cloud| cloud.header),
            Chosen::Depth { .. } => ImageView::decode(data).map(|image| image.header),
        }
    }

    /// Labels or drops the frames that wait no longer at log time `now` (`None`: the bag is at its end).
    fn settle(&mut self, now: Option<u64>) -> Result<(), ReplayError> {
        while let Some(first) = self.waiting.front() {
            let patient = now.is_some_and(|now| now < first.log_time.saturating_add(PATIENCE));
            if !self.settle_first(patient)? {
                break;
            }
        }
        Ok(())
    }

    /// Labels or drops the frame that has waited longest; `false` if it waits on.
    fn settle_first(&mut self, patient: bool) -> Result<bool, ReplayError> {
        let Some(first) = self.waiting.front() else { return Ok(false) };
        if let Chosen::Depth { colour, .. } = self.chosen
            && patient
            && !self.companions.complete(first.stamp, colour.is_some())
        {
            return Ok(false);
        }
        let located = match self.header(&first.data) {
            Ok(header) => self.placer.locate(&header, patient),
            Err(error) => Located::Never(error.into()),
        };
        if matches!(located, Located::NotYet) {
            return Ok(false);
        }
        let Some(frame) = self.waiting.pop() else { return Ok(false) };
        let done = match located {
            Located::Known(pose) => self.process(&frame, pose)?,
            Located::Never(reason) => Err(reason),
            Located::NotYet => Ok(()),
        };
        if let Err(reason) = done {
            self.session.drop_frame(frame.stamp, &reason);
        }
        self.waiting.recycle(frame);
        Ok(true)
    }

    /// One frame's way: decode, pose, labels, message. The inner result says why it was dropped.
    fn process(
        &mut self,
        frame: &Kept,
        pose: Option<nalgebra::Isometry3<f64>>,
    ) -> Result<Result<(), DropReason>, ReplayError> {
        let start = Instant::now();
        let mut times = StageTimes::default();
        let header = match times.measure(Stage::Decode, || self.decode(frame)) {
            Ok(header) => header,
            Err(reason) => return Ok(Err(reason)),
        };
        let optical = match self.chosen {
            Chosen::Depth { .. } => true,
            Chosen::Points { .. } => self.placer.is_optical(header.frame_id, &self.cloud),
        };
        let pose = match pose {
            Some(pose) => pose,
            None => match self.placer.estimate(&self.cloud, optical) {
                Ok(pose) => pose,
                Err(reason) => return Ok(Err(reason)),
            },
        };
        if !self.told_fixed_frame
            && let Some(name) = self.placer.fixed_frame()
        {
            self.told_fixed_frame = true;
            self.session.summary.fixed_frame = Some(name.to_owned());
            let name = name.to_owned();
            self.session.tell(Event::FixedFrame { name: &name });
        }
        let view = TakenFrom { pose, optical: optical && self.orientation != Orientation::Upright };
        let report = self.session.label(&self.cloud, view, frame.stamp, self.placer.forgets(), &mut times);
        if self.sink.is_some() {
            times.measure(Stage::Encode, || self.encode(frame, header))?;
        }
        self.session.complete(&self.cloud, pose, frame.stamp, report, &times, start.elapsed());
        // The next frame gets the buffers of the one before.
        std::mem::swap(&mut self.cloud, &mut self.session.last_cloud);
        Ok(Ok(()))
    }

    /// Message → cloud.
    fn decode<'f>(&mut self, frame: &'f Kept) -> Result<Header<'f>, DropReason> {
        let Chosen::Depth { geometry, colour, .. } = self.chosen else {
            let view = PointCloud2View::decode(&frame.data)?;
            decode(&view, &mut self.cloud)?;
            return Ok(view.header);
        };
        let depth = ImageView::decode(&frame.data)?;
        let info = self.companions.camera_info(frame.stamp).ok_or(DropReason::NoCameraInfo)?;
        let info = CameraInfo::decode(&info.data)?;
        let picture = self.companions.colour(frame.stamp).map(|kept| ImageView::decode(&kept.data)).transpose()?;
        let picture = picture.filter(|picture| fits(picture, &depth));
        if colour.is_some() && picture.is_none() {
            self.session.summary.without_colour += 1;
        }
        self.projector.project(&depth, &info, geometry, picture.as_ref(), &mut self.cloud)?;
        Ok(depth.header)
    }

    /// Labels → message, into the output.
    fn encode(&mut self, frame: &Kept, header: Header<'_>) -> Result<(), ReplayError> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        let (labels, colouring) = (&self.session.labels, self.session.colouring());
        match self.chosen {
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
        self.session.summary.refused_transforms = self.placer.refused();
        // Without one labelled frame the output would be a copy of the input that looks like a result.
        if let Some(sink) = self.sink.take()
            && self.session.summary.frames > 0
        {
            self.session.summary.output = Some(sink.finish()?.path);
        }
        self.session.finish()
    }
}

/// Keeps a message by its stamp; one that cannot be read is as good as absent.
fn keep(
    queue: &mut Queue,
    message: RawMessage<'_>,
    header: impl for<'m> FnOnce(&'m [u8]) -> Result<Header<'m>, CdrError>,
) {
    match header(message.data).map(|header| header.stamp.nanoseconds()) {
        Ok(stamp) => {
            queue.make_room();
            queue.push(stamp, message);
        }
        Err(error) => log::warn!("a companion of the depth image: {error}"),
    }
}

/// Whether a colour image still is what it was when it was chosen.
fn fits(colour: &ImageView<'_>, depth: &ImageView<'_>) -> bool {
    (colour.width, colour.height, colour.header.frame_id) == (depth.width, depth.height, depth.header.frame_id)
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
