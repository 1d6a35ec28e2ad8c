//! Labels for who cannot take a whole cloud: a point a voxel, never more than what one datagram holds.
//!
//! A large message leaves in many pieces, and over a busy radio, or towards a reader with a small buffer, one that is
//! lost costs the whole of it. This one always arrives: its voxels grow with what there is to say.

use super::frame_voxels::{FrameVoxels, Ranges};
use crate::cloud::{Colouring, Labels};
use crate::live::LiveFrame;
use crate::ros::{CdrError, Header, Message, PointCloud2View, PointField, Sequence, datatype};

/// What a point is made of.
const FIELDS: [PointField<'static>; 6] = [
    field("x", 0, datatype::FLOAT32),
    field("y", 4, datatype::FLOAT32),
    field("z", 8, datatype::FLOAT32),
    field("label", 12, datatype::UINT16),
    field("instance", 16, datatype::UINT32),
    field("rgb", 20, datatype::FLOAT32),
];
/// Bytes of a point.
const POINT_STEP: usize = 24;
/// Most points: with the header, 60 kB of the 64 kB that a datagram holds.
const MOST: usize = 2500;
/// How much larger voxels become where there are too many: half as many of a surface.
const GROWTH: f32 = std::f32::consts::SQRT_2;

const fn field(name: &'static str, offset: u32, datatype: u8) -> PointField<'static> {
    PointField { name, offset, datatype, count: 1 }
}

/// What a voxel holds so far.
#[derive(Clone, Copy, Debug)]
struct Held {
    sum: [f32; 3],
    points: u32,
    /// A point with the labels that most have, if most have the same (Boyer and Moore's vote).
    candidate: usize,
    lead: u32,
}

/// Thins frames out. Keeps its memory between frames.
#[derive(Debug, Default)]
pub struct CompactCloud {
    voxels: FrameVoxels,
    held: Vec<Held>,
    data: Vec<u8>,
}

impl CompactCloud {
    /// Writes a `sensor_msgs/msg/PointCloud2` (x, y, z as f32, label u16, instance u32, rgb) as CDR into `out`, which is
    /// cleared: of each voxel in the sensor's frame the middle of its points within `ranges`, with the class and instance
    /// of most of them. `edge`: that of a voxel (m, above 0), which grows by √2 until there are no more than 2500.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond 32-bit lengths, which it never reaches.
    pub fn encode(
        &mut self,
        header: Header<'_>,
        frame: &LiveFrame,
        labels: &Labels,
        (mut edge, ranges): (f32, Ranges),
        colouring: Colouring<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), CdrError> {
        while !self.collect(frame, labels, edge, ranges) {
            edge *= GROWTH;
        }
        self.data.clear();
        for held in &self.held {
            let middle = held.sum.map(|sum| sum / held.points as f32);
            let point = held.candidate;
            let seen = frame.cloud.colour.as_ref().map(|colour| colour[point]);
            let [red, green, blue] = colouring.colour(labels, point).or(seen).unwrap_or([128; 3]);
            self.data.extend(middle.iter().flat_map(|value| value.to_le_bytes()));
            self.data.extend_from_slice(&labels.class[point].to_le_bytes());
            self.data.extend_from_slice(&[0; 2]);
            self.data.extend_from_slice(&labels.instance[point].to_le_bytes());
            self.data.extend_from_slice(&[blue, green, red, 0]);
        }
        PointCloud2View {
            header,
            height: 1,
            width: self.held.len() as u32,
            fields: Sequence::listed(&FIELDS),
            is_bigendian: false,
            point_step: POINT_STEP as u32,
            row_step: self.data.len() as u32,
            data: &self.data,
            is_dense: true,
        }
        .encode(out)
    }

    /// Fills the voxels; `false` where there are too many.
    fn collect(&mut self, frame: &LiveFrame, labels: &Labels, edge: f32, ranges: Ranges) -> bool {
        self.voxels.clear();
        self.held.clear();
        let of = |point: usize| (labels.class[point], labels.instance[point]);
        for (point, &position) in frame.cloud.position.iter().enumerate() {
            if !ranges.hold(position) {
                continue;
            }
            let (voxel, is_new) = self.voxels.number(position, edge);
            if is_new {
                if voxel == MOST {
                    return false;
                }
                self.held.push(Held { sum: position, points: 1, candidate: point, lead: 1 });
                continue;
            }
            let held = &mut self.held[voxel];
            (0..3).for_each(|axis| held.sum[axis] += position[axis]);
            held.points += 1;
            if of(held.candidate) == of(point) {
                held.lead += 1;
            } else if held.lead == 0 {
                (held.candidate, held.lead) = (point, 1);
            } else {
                held.lead -= 1;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Cloud, INVALID_CLASS};
    use crate::ros::Time;

    const HEADER: Header<'static> = Header { stamp: Time { sec: 4, nanosec: 5 }, frame_id: "camera" };

    fn encode(frame: &LiveFrame, labels: &Labels, edge: f32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let how = (edge, Ranges::new(0.1, 12.0));
        CompactCloud::default().encode(HEADER, frame, labels, how, Colouring::Instance, &mut bytes).expect("short");
        bytes
    }

    #[test]
    fn a_voxel_says_what_most_of_its_points_are() {
        let position = vec![[1.01, 0.0, 0.0], [1.03, 0.0, 0.0], [1.05, 0.0, 0.0], [3.0, 0.0, 0.0], [f32::NAN; 3]];
        let mut labels = Labels::unknown(position.len());
        labels.class = vec![5, 4, 4, INVALID_CLASS, 4];
        labels.instance = vec![1, 70_000, 70_000, 0, 2];
        let frame = LiveFrame { cloud: Cloud { position, colour: None }, ..LiveFrame::default() };
        let bytes = encode(&frame, &labels, 0.1);
        let message = PointCloud2View::decode(&bytes).expect("a cloud");
        assert_eq!((message.header, message.width, message.point_step), (HEADER, 2, 24));
        let x = f32::from_le_bytes(message.data[..4].try_into().expect("four"));
        assert!((x - 1.03).abs() < 1e-6);
        assert_eq!(message.data[12..20], [4, 0, 0, 0, 0x70, 0x11, 1, 0]);
        assert_eq!(message.data[24 + 12..24 + 20], [0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn however_much_there_is_it_fits_a_datagram() {
        let position = (0..60_000).map(|i| [1.0 + (i % 200) as f32 * 0.05, (i / 200) as f32 * 0.03, 0.3]).collect();
        let frame = LiveFrame { cloud: Cloud { position, colour: None }, ..LiveFrame::default() };
        let bytes = encode(&frame, &Labels::unknown(60_000), 0.01);
        let message = PointCloud2View::decode(&bytes).expect("a cloud");
        assert!(bytes.len() < 62_000 && message.width > 600, "{} {}", bytes.len(), message.width);
    }
}
