//! What a costmap wants: everything that cannot be driven over or under, a point a voxel.

use super::frame_voxels::{FrameVoxels, Ranges};
use crate::cloud::{INVALID_CLASS, Labels};
use crate::live::LiveFrame;
use crate::ros::{CdrError, Header, Message, PointCloud2View, PointField, Sequence, datatype};

/// What a point is made of.
const FIELDS: [PointField<'static>; 3] = [field("x", 0), field("y", 4), field("z", 8)];
/// Bytes of a point.
const POINT_STEP: u32 = 12;

const fn field(name: &'static str, offset: u32) -> PointField<'static> {
    PointField { name, offset, datatype: datatype::FLOAT32, count: 1 }
}

/// What is an obstacle.
#[derive(Clone, Debug, PartialEq)]
pub struct ObstacleRules {
    /// Edge of a voxel (m, above 0).
    pub voxel: f32,
    /// For each class of the model whether it is no obstacle.
    pub passable: Vec<bool>,
    /// Points nearer or farther are not there.
    pub ranges: Ranges,
}

/// Finds the obstacles of frames. Keeps its memory between frames.
#[derive(Debug, Default)]
pub struct ObstacleFinder {
    voxels: FrameVoxels,
    data: Vec<u8>,
}

impl ObstacleFinder {
    /// Writes a `sensor_msgs/msg/PointCloud2` (x, y, z as f32) as CDR into `out`, which is cleared: of each voxel in
    /// the sensor's frame the first point whose class is not passable, in the order of the cloud. What nobody has judged
    /// yet is an obstacle.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond 32-bit lengths.
    pub fn encode(
        &mut self,
        header: Header<'_>,
        frame: &LiveFrame,
        labels: &Labels,
        rules: &ObstacleRules,
        out: &mut Vec<u8>,
    ) -> Result<(), CdrError> {
        self.voxels.clear();
        self.data.clear();
        for (&position, &class) in frame.cloud.position.iter().zip(&labels.class) {
            let is_passable = class != INVALID_CLASS && rules.passable.get(usize::from(class)).is_some_and(|it| *it);
            if !is_passable && rules.ranges.hold(position) && self.voxels.number(position, rules.voxel).1 {
                self.data.extend(position.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        PointCloud2View {
            header,
            height: 1,
            // No more than the points of a message, which fit.
            width: self.voxels.count() as u32,
            fields: Sequence::listed(&FIELDS),
            is_bigendian: false,
            point_step: POINT_STEP,
            row_step: self.data.len() as u32,
            data: &self.data,
            is_dense: true,
        }
        .encode(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Cloud, decode};
    use crate::ros::{Message, PointCloud2View, Time};

    #[test]
    fn floors_are_left_out_and_voxels_thinned() {
        let position = vec![
            [1.0, 0.0, 0.0],
            [1.01, 0.01, 0.01],
            [2.0, 0.0, 0.0],
            [f32::NAN; 3],
            [0.05, 0.0, 0.0],
            [3.0, 0.0, -0.01],
            [30.0, 0.0, 0.0],
        ];
        let mut labels = Labels::unknown(position.len());
        labels.class = vec![5, 5, 0, 5, 5, INVALID_CLASS, 5];
        let frame = LiveFrame { cloud: Cloud { position, colour: None }, ..LiveFrame::default() };
        let header = Header { stamp: Time { sec: 4, nanosec: 5 }, frame_id: "camera" };
        let rules = ObstacleRules { voxel: 0.05, passable: vec![true, true], ranges: Ranges::new(0.1, 12.0) };
        let (mut finder, mut bytes) = (ObstacleFinder::default(), Vec::new());
        // Twice: nothing of a frame is left to the next.
        for _ in 0..2 {
            finder.encode(header, &frame, &labels, &rules, &mut bytes).expect("short");
        }
        let message = PointCloud2View::decode(&bytes).expect("a cloud");
        assert_eq!((message.header, message.width), (header, 2));
        let mut cloud = Cloud::default();
        decode(&message, &mut cloud).expect("a cloud");
        assert_eq!(cloud.position, [[1.0, 0.0, 0.0], [3.0, 0.0, -0.01]]);
    }
}
