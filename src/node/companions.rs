//! What comes beside depth images: calibration, and registered colour.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::replay::{Companions, DropReason};
use crate::ros::CdrError;
use crate::transport::RawMessage;

/// Images in a row that wait in vain for a companion until no more do: many drivers send the calibration once, and a
/// colour camera may die.
const PATIENCE: u32 = 3;

/// One kind of companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Companion {
    /// `sensor_msgs/msg/CameraInfo`.
    CameraInfo,
    /// `sensor_msgs/msg/Image`.
    Colour,
}

/// What has come, shared by the callbacks that bring it and the thread that waits for it.
#[derive(Debug)]
pub(super) struct LiveCompanions {
    wants_colour: bool,
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    companions: Companions,
    /// How many images in a row have waited in vain for each.
    missed: [u32; 2],
    /// Whether colour has ever come.
    has_colour: bool,
}

impl LiveCompanions {
    pub(super) fn new(wants_colour: bool) -> Self {
        Self { wants_colour, state: Mutex::default(), came: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a message.
    pub(super) fn take(&self, which: Companion, message: &[u8]) -> Result<(), CdrError> {
        // When it was recorded is for bags to say.
        let message = RawMessage { topic: 0, log_time: 0, publish_time: 0, data: message };
        let mut state = self.lock();
        match which {
            Companion::CameraInfo => state.companions.take_camera_info(message)?,
            Companion::Colour => state.companions.take_colour(message)?,
        }
        state.missed[which as usize] = 0;
        state.has_colour |= which == Companion::Colour;
        drop(state);
        self.came.notify_all();
        Ok(())
    }

    /// Copies what belongs to a depth image of this stamp into `camera_info` and `colour` (empty where there is none);
    /// waits for it as long as `wait`.
    pub(super) fn gather(
        &self,
        stamp: i64,
        wait: Duration,
        camera_info: &mut Vec<u8>,
        colour: &mut Vec<u8>,
    ) -> Result<(), DropReason> {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        loop {
            let has_info = state.companions.has_camera_info(stamp);
            let has_colour = state.companions.colour(stamp).is_some();
            let has_any_info = state.companions.camera_info(stamp).is_some();
            let waits_for_info = !has_info && (state.missed[0] < PATIENCE || !has_any_info);
            let waits_for_colour = self.wants_colour && !has_colour && state.has_colour && state.missed[1] < PATIENCE;
            if !waits_for_info && !waits_for_colour {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.missed[0] += u32::from(waits_for_info);
                state.missed[1] += u32::from(waits_for_colour);
                break;
            }
            state = self.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let info = state.companions.camera_info(stamp).ok_or(DropReason::NoCameraInfo)?;
        camera_info.clone_from(&info.data);
        colour.clear();
        if let Some(kept) = state.companions.colour(stamp) {
            colour.extend_from_slice(&kept.data);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::{CameraInfo, Header, Message, Time};

    fn info(seconds: i32) -> Vec<u8> {
        let header = Header { stamp: Time { sec: seconds, nanosec: 0 }, frame_id: "camera" };
        let mut bytes = Vec::new();
        CameraInfo { header, ..CameraInfo::default() }.encode(&mut bytes).expect("short");
        bytes
    }

    fn gather(companions: &LiveCompanions, seconds: i64, wait: Duration) -> Result<Vec<u8>, DropReason> {
        let (mut info, mut colour) = (Vec::new(), vec![1]);
        companions.gather(seconds * 1_000_000_000, wait, &mut info, &mut colour)?;
        assert!(colour.is_empty(), "there is none");
        Ok(info)
    }

    #[test]
    fn a_calibration_that_comes_once_is_waited_for_a_few_times_only() {
        let companions = LiveCompanions::new(false);
        let never = gather(&companions, 1, Duration::from_millis(1)).expect_err("none has come");
        assert_eq!(never, DropReason::NoCameraInfo);
        companions.take(Companion::CameraInfo, &info(1)).expect("sound");
        assert!(companions.take(Companion::CameraInfo, &[1, 2]).is_err());
        for seconds in 2..5 {
            assert_eq!(gather(&companions, seconds, Duration::from_millis(1)), Ok(info(1)));
        }
        // Would hang else.
        assert_eq!(gather(&companions, 5, Duration::from_secs(3600)), Ok(info(1)));
        companions.take(Companion::CameraInfo, &info(6)).expect("sound");
        assert_eq!(gather(&companions, 6, Duration::from_secs(3600)), Ok(info(6)));
    }
}
