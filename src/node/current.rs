//! Settings that change while frames come.

use std::sync::{Arc, Mutex, PoisonError};

use super::NodeSettings;

/// The settings that hold now. Whoever works on a frame takes them once and is not disturbed.
#[derive(Debug)]
pub(super) struct CurrentSettings(Mutex<Arc<NodeSettings>>);

impl CurrentSettings {
    pub(super) fn new(settings: NodeSettings) -> Self {
        Self(Mutex::new(Arc::new(settings)))
    }

    pub(super) fn now(&self) -> Arc<NodeSettings> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change(&self, settings: NodeSettings) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}
