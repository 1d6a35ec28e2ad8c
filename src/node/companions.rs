//! What comes beside depth images: calibration, and registered colour.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::replay::{Companions, DropReason};
use crate::ros::CdrError;
use crate::transport::RawMessage;

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
    /// Whether to wait for one that is not there. Not again for what did not come the last time: many drivers send the
    /// calibration once, and a colour camera may die.
    expects: [bool; 2],
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
        state.expects[which as usize] = true;
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
            let waits_for_info = !has_info && (state.expects[0] || !has_any_info);
            let waits_for_colour = self.wants_colour && !has_colour && state.expects[1];
            if !waits_for_info && !waits_for_colour {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.expects = [has_info, has_colour];
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
