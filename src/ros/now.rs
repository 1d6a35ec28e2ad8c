//! Where a node takes its stamps from.

use super::Time;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of the node: the machine's, or that of `/clock`.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// The machine's time, since 1970; before that, 1970.
pub fn system_time() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_nanoseconds(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
