//! Transforms that come later than what needs them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nalgebra::Isometry3;

use crate::replay::{DropReason, Located, Orientation, Placer};
use crate::ros::{CdrError, Header};

/// The transforms so far, shared by the callbacks that bring them and the thread that waits for one.
#[derive(Debug)]
pub(super) struct Transforms {
    placer: Mutex<Placer>,
    came: Condvar,
}

impl Transforms {
    /// `fixed_frame`: empty for the first that fits.
    pub(super) fn new(orientation: Orientation, fixed_frame: &str) -> Self {
        let placer = Placer::new(orientation, fixed_frame).without_last_resort();
        Self { placer: Mutex::new(placer), came: Condvar::new() }
    }

    /// Takes in a message of `/tf` or `/tf_static`.
    pub(super) fn take(&self, message: &[u8], is_static: bool) -> Result<(), CdrError> {
        let taken = self.lock().take(message, is_static);
        self.came.notify_all();
        taken
    }

    /// Pose of a cloud in the fixed frame; `None` where the cloud itself must tell. Waits for its transform as long as
    /// `wait`.
    pub(super) fn locate(&self, header: &Header<'_>, wait: Duration) -> Result<Option<Isometry3<f64>>, DropReason> {
        let until = Instant::now() + wait;
        let mut placer = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match placer.locate(header, !left.is_zero()) {
                Located::Known(pose) => return Ok(pose),
                Located::Never(reason) => return Err(reason),
                Located::NotYet => {
                    placer = self.came.wait_timeout(placer, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// The clock was set back: moving transforms are those of another time.
    pub(super) fn clear_moving(&self) {
        self.lock().clear_moving();
    }

    /// The fixed frame, once it is known.
    pub(super) fn fixed_frame(&self) -> Option<String> {
        self.lock().fixed_frame().map(str::to_owned)
    }

    /// Whether a pose says nothing of where the sensor was in the frame before.
    pub(super) fn forgets(&self) -> bool {
        self.lock().forgets()
    }

    /// What the caller asks of the placer itself.
    pub(super) fn lock(&self) -> MutexGuard<'_, Placer> {
        self.placer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::{Message, Sequence, TfMessage, Time, TransformStamped};

    fn transform(seconds: i32) -> Vec<u8> {
        let header = Header { stamp: Time { sec: seconds, nanosec: 0 }, frame_id: "odom" };
        let rotation = [0.0, 0.0, 0.0, 1.0];
        let transform = TransformStamped { header, child_frame_id: "camera", translation: [1.0, 2.0, 3.0], rotation };
        let mut bytes = Vec::new();
        TfMessage { transforms: Sequence::listed(&[transform]) }.encode(&mut bytes).expect("short");
        bytes
    }

    #[test]
    fn a_transform_that_comes_while_waiting_is_used() {
        let transforms = Transforms::new(Orientation::Transforms, "odom");
        let header = Header { stamp: Time { sec: 5, nanosec: 0 }, frame_id: "camera" };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| transforms.locate(&header, Duration::from_secs(20)));
            transforms.take(&transform(4), false).expect("sound");
            transforms.take(&transform(6), false).expect("sound");
            let pose = waiting.join().expect("no panic").expect("located").expect("by transforms");
            assert_eq!(pose.translation.vector.as_slice(), [1.0, 2.0, 3.0]);
        });
        assert_eq!(transforms.fixed_frame().as_deref(), Some("odom"));
    }

    /// What holds the sensor is known before where the robot is: the robot is no fixed frame for that.
    #[test]
    fn a_frame_of_the_robot_is_not_taken_for_want_of_a_better_one() {
        let transforms = Transforms::new(Orientation::Transforms, "");
        let of = |parent: &'static str, child: &'static str| {
            let header = Header { stamp: Time { sec: 5, nanosec: 0 }, frame_id: parent };
            let rotation = [0.0, 0.0, 0.0, 1.0];
            let one = TransformStamped { header, child_frame_id: child, translation: [0.0; 3], rotation };
            let mut bytes = Vec::new();
            TfMessage { transforms: Sequence::listed(&[one]) }.encode(&mut bytes).expect("short");
            bytes
        };
        let header = Header { stamp: Time { sec: 5, nanosec: 0 }, frame_id: "camera" };
        transforms.take(&of("base_link", "camera"), true).expect("sound");
        assert!(transforms.locate(&header, Duration::ZERO).is_err());
        assert!(!transforms.forgets());
        transforms.take(&of("odom", "base_link"), false).expect("sound");
        assert!(transforms.locate(&header, Duration::ZERO).is_ok());
        assert_eq!(transforms.fixed_frame().as_deref(), Some("odom"));
        assert!(Transforms::new(Orientation::Transforms, "base_link").forgets(), "named, it is taken");
    }

    #[test]
    fn one_that_does_not_come_is_a_reason_and_never_the_origin() {
        let transforms = Transforms::new(Orientation::Transforms, "odom");
        let header = Header { stamp: Time { sec: 5, nanosec: 0 }, frame_id: "camera" };
        transforms.take(&transform(4), false).expect("sound");
        let reason = transforms.locate(&header, Duration::from_millis(1)).expect_err("nothing after 4 s");
        assert_eq!(reason.kind(), "no transform");
        assert!(transforms.take(&[0, 1, 0, 0, 9], false).is_err());
        transforms.clear_moving();
        let late = Header { stamp: Time { sec: 4, nanosec: 0 }, ..header };
        assert!(transforms.locate(&late, Duration::ZERO).is_err(), "forgotten");
    }
}
