//! Where was the sensor, and which way is up?

use nalgebra::Isometry3;

use super::{DropReason, Orientation};
use crate::cloud::{CheckLimits, Cloud, DirectionPrior, check, estimate_up};
use crate::ros::{BufferLimits, CdrError, Header, Message, TfMessage, TransformBuffer, TransformError};

/// Frames that stand still in the world, best first.
const WORLD_FRAMES: [&str; 3] = ["map", "odom", "world"];
/// Frames whose z is up, but which move with the robot.
const ROBOT_FRAMES: [&str; 2] = ["base_link", "base_footprint"];

/// Share of the points that a camera sees within its frustum.
const SEEN: f64 = 0.995;
/// Tangent of half the widest field of view of a depth camera.
const WIDEST: f32 = 1.5;

/// What is known of a frame's pose now.
#[derive(Debug)]
pub enum Located {
    /// The pose, or `None` where the cloud itself will tell.
    Known(Option<Isometry3<f64>>),
    /// Perhaps a transform comes yet.
    NotYet,
    /// It is not known.
    Never(DropReason),
}

/// Finds poses.
#[derive(Debug)]
pub struct Placer {
    orientation: Orientation,
    buffer: TransformBuffer,
    fixed_frame: Option<String>,
    /// Frames that are taken for want of better ones once nothing more will come.
    last_resort: &'static [&'static str],
    valid: Vec<bool>,
}

impl Placer {
    /// `fixed_frame`: the one to use; empty = the first that fits.
    pub fn new(orientation: Orientation, fixed_frame: &str) -> Self {
        Self {
            orientation,
            buffer: TransformBuffer::new(BufferLimits::default()),
            fixed_frame: Some(fixed_frame.to_owned()).filter(|name| !name.is_empty()),
            last_resort: &ROBOT_FRAMES,
            valid: Vec::new(),
        }
    }

    /// Takes no frame that drives with the robot unless it was named: where transforms go on coming, a better one may
    /// only be late.
    pub fn without_last_resort(self) -> Self {
        Self { last_resort: &[], ..self }
    }

    /// The fixed frame, once it is known.
    pub fn fixed_frame(&self) -> Option<&str> {
        match self.orientation {
            Orientation::Transforms => self.fixed_frame.as_deref(),
            _ => None,
        }
    }

    /// Whether a pose says nothing of where the sensor was in the frame before.
    pub fn forgets(&self) -> bool {
        self.orientation != Orientation::Transforms
            || self.fixed_frame().is_some_and(|name| ROBOT_FRAMES.contains(&name))
    }

    /// The clock was set back: moving transforms are those of another time.
    pub fn clear_moving(&mut self) {
        self.buffer.clear_moving();
    }

    /// Transforms that were refused so far.
    pub fn refused(&self) -> u64 {
        self.buffer.counts().rejected
    }

    /// Takes in a message of `/tf` or `/tf_static`.
    pub fn take(&mut self, message: &[u8], is_static: bool) -> Result<(), CdrError> {
        for transform in TfMessage::decode(message)?.transforms.iter() {
            if let Err(error) = self.buffer.insert(&transform, is_static) {
                log::debug!("{error}");
            }
        }
        Ok(())
    }

    /// Pose of a frame in the fixed frame. `patient`: more transforms may come.
    pub fn locate(&mut self, header: &Header<'_>, patient: bool) -> Located {
        if self.orientation != Orientation::Transforms {
            return Located::Known((self.orientation == Orientation::Upright).then(Isometry3::identity));
        }
        if let Some(fixed) = &self.fixed_frame {
            return match self.buffer.lookup(fixed, header.frame_id, header.stamp) {
                Ok(pose) => Located::Known(Some(pose)),
                Err(_) if patient => Located::NotYet,
                Err(reason) => Located::Never(DropReason::NoTransform { fixed_frame: fixed.clone(), reason }),
            };
        }
        let robot = if patient { &[][..] } else { self.last_resort };
        for &candidate in WORLD_FRAMES.iter().chain(robot) {
            match self.buffer.lookup(candidate, header.frame_id, header.stamp) {
                Ok(pose) => {
                    self.fixed_frame = Some(candidate.to_owned());
                    return Located::Known(Some(pose));
                }
                // The better frame is there, only its newest transform is not.
                Err(TransformError::AfterNewest { .. }) if patient => return Located::NotYet,
                Err(_) => {}
            }
        }
        if patient {
            return Located::NotYet;
        }
        let known: Vec<&str> = self.buffer.frame_names().collect();
        Located::Never(DropReason::NoFixedFrame {
            sensor: header.frame_id.to_owned(),
            tried: [&WORLD_FRAMES[..], self.last_resort].concat().join(", "),
            known: if known.is_empty() { "no frame".to_owned() } else { known.join(", ") },
        })
    }

    /// Pose of a cloud whose floor must tell.
    pub fn estimate(&self, cloud: &Cloud, optical: bool) -> Result<Isometry3<f64>, DropReason> {
        let prior = if optical { DirectionPrior::OPTICAL } else { DirectionPrior::BODY };
        estimate_up(cloud, &prior).map(|upright| upright.pose).ok_or(DropReason::NoFloor)
    }

    /// Whether a cloud is in an optical frame (z forward, y down): its frame's name says so, or all of it
    /// lies in a camera's field of view along z.
    pub fn is_optical(&mut self, frame: &str, cloud: &Cloud) -> bool {
        if frame.contains("optical") {
            return true;
        }
        let valid = check(cloud, &CheckLimits::default(), &mut self.valid).valid;
        let points = cloud.position.iter().zip(&self.valid).filter(|(_, valid)| **valid);
        let seen = points.filter(|([x, y, z], _)| *z > 0.0 && x.abs() <= WIDEST * z && y.abs() <= WIDEST * z).count();
        valid > 0 && seen as f64 >= SEEN * valid as f64
    }
}
