//! What a costmap wants: everything that cannot be driven over or under, a point a voxel.

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

/// Finds the obstacles of frames. Keeps its memory between frames.
#[derive(Debug)]
pub struct ObstacleFinder {
    voxel: f32,
    /// Class index → whether it is no obstacle.
    passable: Vec<bool>,
    /// Voxel and number of each obstacle's points, sorted.
    order: Vec<([i32; 3], u32)>,
    data: Vec<u8>,
}

impl ObstacleFinder {
    /// `voxel`: edge of a voxel (m, above 0). `passable`: for each class of the model whether it is no obstacle.
    pub fn new(voxel: f32, passable: Vec<bool>) -> Self {
        Self { voxel, passable, order: Vec::new(), data: Vec::new() }
    }

    /// Writes a `sensor_msgs/msg/PointCloud2` (x, y, z as f32) as CDR into `out`, which is cleared: of each voxel in
    /// the sensor's frame the first point that is no floor and no ceiling. What nobody has judged yet is an obstacle.
    /// Points that were not measured, or are not in `ranges` (nearest, farthest; m), are not there.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond 32-bit lengths.
    pub fn encode(
        &mut self,
        header: Header<'_>,
        frame: &LiveFrame,
        labels: &Labels,
        [nearest, farthest]: [f32; 2],
        out: &mut Vec<u8>,
    ) -> Result<(), CdrError> {
        self.order.clear();
        let squares = nearest * nearest..=farthest * farthest;
        for ((point, position), &class) in (0..).zip(&frame.cloud.position).zip(&labels.class) {
            let is_passable = class != INVALID_CLASS && self.passable.get(usize::from(class)).is_some_and(|it| *it);
            let square: f32 = position.iter().map(|value| value * value).sum();
            // False for what is no number.
            if !is_passable && squares.contains(&square) {
                self.order.push((position.map(|value| (value / self.voxel).floor() as i32), point));
            }
        }
        self.order.sort_unstable();
        self.order.dedup_by_key(|(voxel, _)| *voxel);
        self.data.clear();
        for &(_, point) in &self.order {
            self.data.extend(frame.cloud.position[point as usize].iter().flat_map(|value| value.to_le_bytes()));
        }
        PointCloud2View {
            header,
            height: 1,
            // No more than the points of a message, which fit.
            width: self.order.len() as u32,
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
        let mut finder = ObstacleFinder::new(0.05, vec![true, true]);
        let mut bytes = Vec::new();
        finder.encode(header, &frame, &labels, [0.1, 12.0], &mut bytes).expect("short");
        let message = PointCloud2View::decode(&bytes).expect("a cloud");
        assert_eq!((message.header, message.width), (header, 2));
        let mut cloud = Cloud::default();
        decode(&message, &mut cloud).expect("a cloud");
        assert_eq!(cloud.position, [[1.0, 0.0, 0.0], [3.0, 0.0, -0.01]]);
    }
}
