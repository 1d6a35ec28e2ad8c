//! Which topic the clouds come from, and which colour belongs to a depth topic.

use std::path::Path;

use super::{LABELLED_TOPIC, ReplayError};
use crate::cloud::ImageGeometry;
use crate::ros::{ImageView, Message};
use crate::transport::{CloudTopics, DepthTopics, Source, open_bag, select_topics};

/// How far into a recording the first images are looked for (ns of log time, messages).
const HORIZON: (u64, usize) = (5_000_000_000, 100_000);

/// Where clouds come from; indices into the topics of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// A topic of clouds.
    Points {
        /// The topic.
        topic: usize,
    },
    /// A topic of depth images.
    Depth {
        /// The images.
        topic: usize,
        /// Their calibration.
        camera_info: usize,
        /// Colour images in the same frame and of the same size.
        colour: Option<usize>,
        /// Which of the two images the calibration describes.
        geometry: ImageGeometry,
    },
}

impl Chosen {
    /// The topic itself.
    pub fn topic(self) -> usize {
        match self {
            Self::Points { topic } | Self::Depth { topic, .. } => topic,
        }
    }
}

/// Chooses among the topics of `source`, which is the bag at `input` before its first message.
pub fn choose(input: &Path, source: &dyn Source, wanted: Option<&str>) -> Result<Chosen, ReplayError> {
    let damage = || source.damage().iter().map(ToString::to_string).collect();
    let topics = source.topics();
    let found = select_topics(topics, wanted);
    let candidates = match found {
        Ok(CloudTopics::Points(points)) => {
            // Our own output is nobody's first choice.
            let own = |topic: &usize| topics[*topic].name == LABELLED_TOPIC;
            let other = points.iter().copied().find(|topic| !own(topic));
            let topic = other.or(points.first().copied()).unwrap_or_default();
            return Ok(Chosen::Points { topic });
        }
        Ok(CloudTopics::Depth(candidates)) => candidates,
        Err(source) => return Err(ReplayError::Selection { path: input.to_owned(), source, damage: damage() }),
    };
    let images = first_images(input, &candidates)?;
    let image = |topic: usize| images.iter().find(|image| image.topic == topic);
    let is_depth = |depth: &&DepthTopics| image(depth.image).is_some_and(|image| image.is_depth);
    let Some(depth) = candidates.iter().find(is_depth) else {
        let encoding = |depth: &DepthTopics| {
            let seen = image(depth.image).map_or("no message", |image| image.encoding.as_str());
            format!("{} ({seen})", topics[depth.image].name)
        };
        let found = candidates.iter().map(encoding).collect::<Vec<_>>().join(", ");
        return Err(ReplayError::NotDepth { path: input.to_owned(), found, damage: damage() });
    };
    let registered = |topic: &usize| match (image(*topic), image(depth.image)) {
        (Some(colour), Some(depth)) => colour.is_colour && colour.frame == depth.frame && colour.size == depth.size,
        _ => false,
    };
    let name = topics[depth.image].name.as_str();
    Ok(Chosen::Depth {
        topic: depth.image,
        camera_info: depth.camera_info,
        colour: depth.colour.iter().copied().find(registered),
        geometry: ImageGeometry::of_topic(name),
    })
}

/// What the first message of an image topic says.
struct FirstImage {
    topic: usize,
    encoding: String,
    is_depth: bool,
    is_colour: bool,
    frame: String,
    size: [u32; 2],
}

/// Reads the bag's beginning until every image topic has spoken.
fn first_images(input: &Path, candidates: &[DepthTopics]) -> Result<Vec<FirstImage>, ReplayError> {
    let mut source = open_bag(input)?;
    let mut wanted: Vec<usize> = candidates.iter().flat_map(|c| c.colour.iter().copied().chain([c.image])).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted.retain(|&topic| source.topics()[topic].message_count != Some(0));
    let mut images: Vec<FirstImage> = Vec::new();
    let mut start = None;
    for _ in 0..HORIZON.1 {
        if images.len() == wanted.len() || !source.advance()? {
            break;
        }
        let message = source.current();
        let late = message.log_time.saturating_sub(*start.get_or_insert(message.log_time)) > HORIZON.0;
        if late && images.iter().any(|image| image.is_depth) {
            break;
        }
        if !wanted.contains(&message.topic) || images.iter().any(|image| image.topic == message.topic) {
            continue;
        }
        // A damaged first message: perhaps the second is sound.
        let Ok(view) = ImageView::decode(message.data) else { continue };
        images.push(FirstImage {
            topic: message.topic,
            encoding: view.encoding.to_owned(),
            is_depth: ["16UC1", "mono16", "32FC1"].contains(&view.encoding),
            is_colour: ["rgb8", "bgr8", "rgba8", "bgra8", "mono8"].contains(&view.encoding),
            frame: view.header.frame_id.to_owned(),
            size: [view.width, view.height],
        });
    }
    Ok(images)
}
