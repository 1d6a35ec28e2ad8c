//! Frames of a drive into a bag.

use std::path::Path;

use super::message::{Encoder, fixed_transforms, transform};
use super::topic;
use crate::cloud::CloudError;
use crate::ros::{CameraInfo, CdrError, Header, ImageView, PointCloud2View, TfMessage, Time};
use crate::sim::{DepthCamera, DepthFrame, Frame, LidarFrame, Sensor, SensorData};
use crate::transport::{BagError, McapSink, RawMessage, Sink, SinkOptions, TRANSIENT_LOCAL_QOS, Written};

/// Why a drive could not be recorded. Nothing is left at its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The bag cannot be written.
    #[error(transparent)]
    Bag(#[from] BagError),
    /// A message is larger than its format allows.
    #[error(transparent)]
    Encode(#[from] CdrError),
    /// A cloud is larger than its format allows.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A frame of another sensor than the recording was begun with.
    #[error("frame {index}: expected a measurement of the {expected}, found one of another sensor")]
    Sensor {
        /// Number of the frame.
        index: usize,
        /// Sensor of the recording.
        expected: &'static str,
    },
}

/// The sensor's own topics, as indices of the sink.
#[derive(Clone, Copy)]
enum Channels {
    Depth(DepthChannels),
    Lidar { points: usize },
}

#[derive(Clone, Copy)]
struct DepthChannels {
    camera: DepthCamera,
    points: usize,
    depth: usize,
    info: usize,
    colour: usize,
}

/// Writes a drive, frame by frame, as an `.mcap`.
///
/// Log time = publish time = stamp. Transforms come before the measurements of the same stamp.
pub struct Recorder {
    sink: Box<dyn Sink>,
    channels: Channels,
    truth: usize,
    tf: usize,
    tf_static: usize,
    encoder: Encoder,
    begun: bool,
}

impl Recorder {
    /// Begins a recording that [`finish`](Self::finish) will put at `path`.
    ///
    /// # Errors
    /// When the place cannot be written to.
    pub fn create(path: &Path, sensor: &Sensor) -> Result<Self, RecordingError> {
        let mut sink: Box<dyn Sink> = Box::new(McapSink::create(path, SinkOptions::default())?);
        let tf_static = sink.add_topic(&topic::of::<TfMessage>(topic::TF_STATIC, TRANSIENT_LOCAL_QOS))?;
        let tf = sink.add_topic(&topic::of::<TfMessage>(topic::TF, ""))?;
        // The sensor's cloud comes before the truth: who looks for a cloud finds it first.
        let channels = match sensor {
            Sensor::Depth(camera) => Channels::Depth(DepthChannels {
                camera: *camera,
                points: sink.add_topic(&topic::of::<PointCloud2View>(topic::POINTS, ""))?,
                depth: sink.add_topic(&topic::of::<ImageView>(topic::DEPTH, ""))?,
                info: sink.add_topic(&topic::of::<CameraInfo>(topic::DEPTH_INFO, ""))?,
                colour: sink.add_topic(&topic::of::<ImageView>(topic::COLOUR, ""))?,
            }),
            Sensor::Lidar(_) => {
                Channels::Lidar { points: sink.add_topic(&topic::of::<PointCloud2View>(topic::LIDAR, ""))? }
            }
        };
        let truth = sink.add_topic(&topic::of::<PointCloud2View>(topic::TRUTH, ""))?;
        Ok(Self { sink, channels, truth, tf, tf_static, encoder: Encoder::default(), begun: false })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// A full disk, or a frame of another sensor.
    pub fn write(&mut self, frame: &Frame) -> Result<(), RecordingError> {
        let stamp = Time::from_nanoseconds(frame.stamp);
        let time = frame.stamp.max(0) as u64;
        let sensor_frame = match self.channels {
            Channels::Depth(_) => topic::CAMERA_FRAME,
            Channels::Lidar { .. } => topic::LIDAR_FRAME,
        };
        if !std::mem::replace(&mut self.begun, true) {
            self.encoder.transforms(&fixed_transforms(stamp, sensor_frame, &frame.sensor_mount))?;
            self.put(self.tf_static, time)?;
        }
        self.encoder.transforms(&[transform(stamp, topic::ODOM_FRAME, topic::BASE_FRAME, &frame.base_pose)])?;
        self.put(self.tf, time)?;

        let header = Header { stamp, frame_id: sensor_frame };
        let size = match (self.channels, &frame.data) {
            (Channels::Depth(channels), SensorData::Depth(data)) => self.write_depth(header, time, channels, data)?,
            (Channels::Lidar { points }, SensorData::Lidar(data)) => self.write_lidar(header, time, points, data)?,
            (channels, _) => {
                let expected = if matches!(channels, Channels::Depth(_)) { "depth camera" } else { "LiDAR" };
                return Err(RecordingError::Sensor { index: frame.index, expected });
            }
        };
        self.encoder.truth(header, size, &frame.labelled())?;
        self.put(self.truth, time)
    }

    /// Completes the recording and gives it its name. A recorder dropped before leaves nothing.
    ///
    /// # Errors
    /// When the last bytes cannot be written.
    pub fn finish(self) -> Result<Written, RecordingError> {
        Ok(self.sink.finish()?)
    }

    fn write_depth(
        &mut self,
        header: Header<'_>,
        time: u64,
        DepthChannels { camera, points, depth, info, colour }: DepthChannels,
        frame: &DepthFrame,
    ) -> Result<[usize; 2], RecordingError> {
        self.encoder.camera_info(header, &camera)?;
        self.put(info, time)?;
        self.encoder.depth_image(header, frame)?;
        self.put(depth, time)?;
        self.encoder.colour_image(header, frame)?;
        self.put(colour, time)?;
        self.encoder.camera_points(header, frame)?;
        self.put(points, time)?;
        Ok([frame.width, frame.height])
    }

    fn write_lidar(
        &mut self,
        header: Header<'_>,
        time: u64,
        points: usize,
        frame: &LidarFrame,
    ) -> Result<[usize; 2], RecordingError> {
        self.encoder.lidar_points(header, frame)?;
        self.put(points, time)?;
        Ok([frame.columns, frame.rings])
    }

    /// Writes what the encoder encoded last.
    fn put(&mut self, topic: usize, time: u64) -> Result<(), RecordingError> {
        let data = &self.encoder.message;
        Ok(self.sink.write(RawMessage { topic, log_time: time, publish_time: time, data })?)
    }
}
