//! Which topics of a recording carry clouds.

use super::Topic;

/// Type of a cloud message.
pub const POINT_CLOUD: &str = "sensor_msgs/msg/PointCloud2";
/// Type of an image message.
pub const IMAGE: &str = "sensor_msgs/msg/Image";
/// Type of a compressed image message.
pub const COMPRESSED_IMAGE: &str = "sensor_msgs/msg/CompressedImage";
/// Last part of the names of compressed depth images (`image_transport`).
pub const COMPRESSED_DEPTH: &str = "compressedDepth";
/// Type of a camera's calibration message.
pub const CAMERA_INFO: &str = "sensor_msgs/msg/CameraInfo";

/// A depth image, perhaps, and what belongs to it. Indices into the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthTopics {
    /// The image. Whether it is depth (`16UC1`, `32FC1`) only its first message can tell.
    pub image: usize,
    /// Whether it comes compressed.
    pub is_compressed: bool,
    /// The calibration in the same namespace.
    pub camera_info: usize,
    /// Other images, the likeliest to be its registered colour first.
    pub colour: Vec<usize>,
}

/// What a cloud can be made of, the likeliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudTopics {
    /// Topics of clouds, as indices.
    Points(Vec<usize>),
    /// Images that may be depth.
    Depth(Vec<DepthTopics>),
}

/// Why no topic was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The topic that was asked for is not there.
    #[error("expected a topic {wanted}, the recording has {present}")]
    NoSuchTopic {
        /// What was asked for.
        wanted: String,
        /// Topics with their types.
        present: String,
    },
    /// The topic that was asked for carries something else.
    #[error("topic {wanted}: expected {POINT_CLOUD} or {IMAGE}, found {found}")]
    WrongType {
        /// What was asked for.
        wanted: String,
        /// Its type.
        found: String,
    },
    /// A depth image without calibration.
    #[error("topic {wanted}: expected a {CAMERA_INFO} in the namespace {namespace}, the recording has {present}")]
    NoCameraInfo {
        /// The image.
        wanted: String,
        /// Where the calibration should be.
        namespace: String,
        /// Topics with their types.
        present: String,
    },
    /// Nothing of use.
    #[error("expected a topic of type {POINT_CLOUD}, or {IMAGE} with {CAMERA_INFO}; the recording has {present}")]
    NothingFits {
        /// Topics with their types.
        present: String,
    },
}

/// Finds the topics to make clouds of: the one that is `wanted`, or every one that may do, clouds
/// before images. Topics without messages come last, then those with fewer messages.
///
/// # Errors
/// [`SelectionError`], listing the topics that are there.
pub fn select_topics(topics: &[Topic], wanted: Option<&str>) -> Result<CloudTopics, SelectionError> {
    let present = || {
        let list: Vec<_> = topics.iter().map(|topic| format!("{} ({})", topic.name, topic.type_name)).collect();
        if list.is_empty() { "no topic at all".to_owned() } else { list.join(", ") }
    };
    if let Some(wanted) = wanted {
        let same = |topic: &&Topic| topic.name == wanted || topic.name.strip_prefix('/') == Some(wanted);
        let matching: Vec<&Topic> = topics.iter().filter(same).collect();
        let of_type = |type_name: &str| {
            matching.iter().find(|topic| topic.type_name == type_name).map(|topic| index_of(topics, topic))
        };
        if let Some(points) = of_type(POINT_CLOUD) {
            return Ok(CloudTopics::Points(vec![points]));
        }
        let wanted = wanted.to_owned();
        return match (of_type(IMAGE).or(of_type(COMPRESSED_IMAGE)), matching.first()) {
            (Some(image), Some(topic)) if !is_image(&topics[image]) => {
                Err(SelectionError::WrongType { wanted, found: topic.type_name.clone() })
            }
            (Some(image), _) => match depth_topics(topics, image) {
                Some(depth) => Ok(CloudTopics::Depth(vec![depth])),
                None => {
                    let namespace = home(&topics[image]).to_owned();
                    Err(SelectionError::NoCameraInfo { wanted, namespace, present: present() })
                }
            },
            (None, Some(other)) => Err(SelectionError::WrongType { wanted, found: other.type_name.clone() }),
            (None, None) => Err(SelectionError::NoSuchTopic { wanted, present: present() }),
        };
    }
    let points = by_count(topics, |topic| topic.type_name == POINT_CLOUD);
    if !points.is_empty() {
        return Ok(CloudTopics::Points(points));
    }
    let mut depth: Vec<_> =
        by_count(topics, is_image).into_iter().filter_map(|image| depth_topics(topics, image)).collect();
    if depth.is_empty() {
        return Err(SelectionError::NothingFits { present: present() });
    }
    let is_depth = |depth: &DepthTopics| topics[depth.image].name.to_ascii_lowercase().contains("depth");
    depth.sort_by_key(|depth| (!is_depth(depth), depth.is_compressed));
    Ok(CloudTopics::Depth(depth))
}

fn index_of(topics: &[Topic], wanted: &Topic) -> usize {
    topics.iter().position(|topic| topic.is_same(wanted)).expect("one of them")
}

/// Topics of a kind, those with most messages first, then in their order.
fn by_count(topics: &[Topic], fits: impl Fn(&Topic) -> bool) -> Vec<usize> {
    let mut found: Vec<usize> = (0..topics.len()).filter(|&index| fits(&topics[index])).collect();
    // An unknown count may be anything but zero.
    found.sort_by_key(|&index| std::cmp::Reverse(topics[index].message_count.unwrap_or(1)));
    found
}

/// Everything before the last slash.
fn namespace(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(namespace, _)| namespace)
}

/// Whether depth images may come of it.
fn is_image(topic: &Topic) -> bool {
    topic.type_name == IMAGE || is_compressed(topic)
}

fn is_compressed(topic: &Topic) -> bool {
    topic.type_name == COMPRESSED_IMAGE && topic.name.rsplit('/').next() == Some(COMPRESSED_DEPTH)
}

/// The namespace of an image, where its calibration is.
fn home(image: &Topic) -> &str {
    let name = namespace(&image.name);
    if is_compressed(image) { namespace(name) } else { name }
}

fn depth_topics(topics: &[Topic], image: usize) -> Option<DepthTopics> {
    let home = home(&topics[image]);
    let is_info = |topic: &Topic| topic.type_name == CAMERA_INFO && namespace(&topic.name) == home;
    let camera_info = topics.iter().position(is_info)?;
    // Registered colour names itself; else the nearest namespace is the likeliest.
    let rank = |index: &usize| {
        let name = topics[*index].name.to_ascii_lowercase();
        let is_colour = ["color", "colour", "rgb"].iter().any(|word| name.contains(word));
        let is_depth = name.contains("depth") && !is_colour;
        let shared = name.bytes().zip(home.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        (is_depth, !is_colour, std::cmp::Reverse(shared))
    };
    let raw = by_count(topics, |topic| topic.type_name == IMAGE);
    let mut colour: Vec<usize> = raw.into_iter().filter(|&index| index != image).collect();
    colour.sort_by_key(rank);
    Some(DepthTopics { image, is_compressed: is_compressed(&topics[image]), camera_info, colour })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(list: &[(&str, &str, u64)]) -> Vec<Topic> {
        list.iter().map(|&(name, of, count)| Topic { message_count: Some(count), ..Topic::new(name, of) }).collect()
    }

    #[test]
    fn clouds_before_images_and_full_topics_before_empty_ones() {
        let list = topics(&[
            ("/d/image", IMAGE, 5),
            ("/d/camera_info", CAMERA_INFO, 5),
            ("/a", POINT_CLOUD, 0),
            ("/b", POINT_CLOUD, 7),
        ]);
        assert_eq!(select_topics(&list, None), Ok(CloudTopics::Points(vec![3, 2])));
        assert_eq!(select_topics(&list, Some("/a")), Ok(CloudTopics::Points(vec![2])));
        assert_eq!(select_topics(&list, Some("b")), Ok(CloudTopics::Points(vec![3])));
    }

    #[test]
    fn depth_takes_the_calibration_of_its_namespace_and_the_likeliest_colour() {
        let list = topics(&[
            ("/camera/infra1/image_rect_raw", IMAGE, 9),
            ("/camera/color/image_raw", IMAGE, 9),
            ("/camera/color/camera_info", CAMERA_INFO, 9),
            ("/camera/depth/camera_info", CAMERA_INFO, 9),
            ("/camera/depth/image_rect_raw", IMAGE, 9),
        ]);
        let Ok(CloudTopics::Depth(found)) = select_topics(&list, None) else { panic!("depth expected") };
        assert_eq!(found[0], DepthTopics { image: 4, is_compressed: false, camera_info: 3, colour: vec![1, 0] });
        assert_eq!(found[1].image, 1);
        assert!(matches!(
            select_topics(&list, Some("/camera/infra1/image_rect_raw")),
            Err(SelectionError::NoCameraInfo { .. })
        ));
    }

    #[test]
    fn compressed_depth_is_taken_where_there_is_no_other() {
        let list = topics(&[
            ("/camera/color/image_raw/compressed", COMPRESSED_IMAGE, 9),
            ("/camera/depth/image_rect_raw/compressedDepth", COMPRESSED_IMAGE, 9),
            ("/camera/depth/camera_info", CAMERA_INFO, 9),
        ]);
        let only = DepthTopics { image: 1, is_compressed: true, camera_info: 2, colour: vec![] };
        assert_eq!(select_topics(&list, None), Ok(CloudTopics::Depth(vec![only.clone()])));
        assert_eq!(select_topics(&list, Some(&list[1].name)), Ok(CloudTopics::Depth(vec![only])));
        assert!(matches!(select_topics(&list, Some(&list[0].name)), Err(SelectionError::WrongType { .. })));
        let both = [&list[..], &topics(&[("/camera/depth/image_rect_raw", IMAGE, 3)])].concat();
        let Ok(CloudTopics::Depth(found)) = select_topics(&both, None) else { panic!("depth expected") };
        assert_eq!((found[0].image, found[1].image), (3, 1));
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_there() {
        let list = topics(&[("/tf", "tf2_msgs/msg/TFMessage", 3)]);
        let nothing = select_topics(&list, None).unwrap_err().to_string();
        assert!(nothing.contains("/tf (tf2_msgs/msg/TFMessage)"), "{nothing}");
        let absent = select_topics(&list, Some("/points")).unwrap_err();
        assert!(matches!(absent, SelectionError::NoSuchTopic { .. }));
        assert!(matches!(select_topics(&list, Some("/tf")), Err(SelectionError::WrongType { .. })));
        assert!(select_topics(&[], None).unwrap_err().to_string().contains("no topic at all"));
    }
}
