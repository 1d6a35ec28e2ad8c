//! Where the clouds of a node come from.

use crate::cloud::ImageGeometry;

/// Last part of the names under which `image_transport` publishes compressed depth images.
const COMPRESSED: &str = "compressedDepth";

/// Topics of a sensor. Names are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A topic of `sensor_msgs/msg/PointCloud2`.
    Clouds(String),
    /// A depth camera.
    Depth(DepthTopics),
}

/// Topics of a depth camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthTopics {
    /// The depth images: `sensor_msgs/msg/Image`, or `sensor_msgs/msg/CompressedImage` if its last part is
    /// `compressedDepth`.
    pub image: String,
    /// Their calibration: `sensor_msgs/msg/CameraInfo`.
    pub camera_info: String,
    /// Colour images in the same frame and of the same size: `sensor_msgs/msg/Image`.
    pub colour: Option<String>,
}

impl Input {
    /// The topic whose messages become frames.
    pub fn topic(&self) -> &str {
        match self {
            Self::Clouds(topic) => topic,
            Self::Depth(topics) => &topics.image,
        }
    }
}

impl DepthTopics {
    /// The calibration as image pipelines lay it: `camera_info` beside the image.
    pub fn new(image: &str) -> Self {
        let mut parts: Vec<&str> = image.split('/').collect();
        if parts.last() == Some(&COMPRESSED) {
            parts.pop();
        }
        parts.pop();
        let camera_info = [&parts[..], &["camera_info"]].concat().join("/");
        Self { image: image.to_owned(), camera_info, colour: None }
    }

    /// Whether the images are compressed.
    pub fn is_compressed(&self) -> bool {
        self.image.rsplit('/').next() == Some(COMPRESSED)
    }

    /// Which image the calibration describes, by the name of the topic.
    pub fn geometry(&self) -> ImageGeometry {
        let mut parts = self.image.rsplit('/').skip(usize::from(self.is_compressed()));
        ImageGeometry::of_topic(parts.next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_of_depth_images_says_where_the_rest_is() {
        for (image, camera_info, is_compressed, geometry) in [
            ("/camera/depth/image_raw", "/camera/depth/camera_info", false, ImageGeometry::Raw),
            ("/camera/depth/image_rect_raw", "/camera/depth/camera_info", false, ImageGeometry::Rectified),
            ("/camera/depth/image_rect/compressedDepth", "/camera/depth/camera_info", true, ImageGeometry::Rectified),
            ("/depth", "/camera_info", false, ImageGeometry::Raw),
        ] {
            let topics = DepthTopics::new(image);
            assert_eq!(topics.camera_info, camera_info);
            assert_eq!((topics.is_compressed(), topics.geometry()), (is_compressed, geometry), "{image}");
        }
    }
}
