//! Who is at the other end of a topic, and who would be if their quality of service allowed it.
//!
//! `rclrs` passes no events on, and has no door to a publisher's or subscription's own count of matches but for
//! publishers. The graph has all of it: every endpoint of a topic with its type and its quality of service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use instanton::ros::{Mismatch, Qos, QosPolicy};

use crate::home::Home;
use crate::quality::of_peer;

/// The only middleware for ROS 2 in which everything meets that has the same type.
const MEETS_ALL: &str = "rmw_zenoh_cpp";

/// Which end this one is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Publisher,
    Subscription,
}

/// The peers of one publisher or subscription.
pub(crate) struct Peers {
    home: Arc<Home>,
    topic: String,
    kind: &'static str,
    qos: Qos,
    end: End,
    meets_all: bool,
    met: Mutex<Met>,
}

/// Those that were met and get nothing, by policy. The graph does not say which endpoint is which, and the name of its node
/// comes later than the endpoint itself.
#[derive(Default)]
struct Met {
    now: HashMap<QosPolicy, u64>,
    count: u64,
    last: Option<QosPolicy>,
}

impl Met {
    fn look(&mut self, now: HashMap<QosPolicy, u64>) -> Option<Mismatch> {
        for (&policy, &count) in &now {
            let new = count.saturating_sub(self.now.get(&policy).copied().unwrap_or(0));
            if new > 0 {
                self.count += new;
                self.last = Some(policy);
            }
        }
        self.now = now;
        self.last.map(|policy| Mismatch { count: self.count, policy })
    }
}

impl Peers {
    pub(crate) fn new(home: &Arc<Home>, topic: &str, kind: &'static str, qos: Qos, end: End) -> Self {
        let meets_all = crate::rcl::implementation() == MEETS_ALL;
        Self { home: Arc::clone(home), topic: topic.to_owned(), kind, qos, end, meets_all, met: Mutex::default() }
    }

    /// What hinders each of the other ends of the topic that have the same type.
    fn hindrances(&self) -> Vec<Option<QosPolicy>> {
        let found = match self.end {
            End::Publisher => self.home.node().get_subscriptions_info_by_topic(&self.topic),
            End::Subscription => self.home.node().get_publishers_info_by_topic(&self.topic),
        };
        let found = found.unwrap_or_else(|error| {
            log::debug!("{}: who else is there: {error}", self.topic);
            Vec::new()
        });
        let same = found.iter().filter(|peer| peer.topic_type == self.kind);
        same.map(|peer| self.hindrance(&of_peer(&peer.qos_profile))).collect()
    }

    fn hindrance(&self, peer: &Qos) -> Option<QosPolicy> {
        match self.end {
            _ if self.meets_all => None,
            End::Publisher => self.qos.hindrance(peer),
            End::Subscription => peer.hindrance(&self.qos),
        }
    }

    /// How many meet.
    pub(crate) fn count(&self) -> usize {
        self.hindrances().iter().filter(|hindrance| hindrance.is_none()).count()
    }

    /// How many did not, so far. Those that come and go between two calls are not seen.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        let mut now = HashMap::new();
        for policy in self.hindrances().into_iter().flatten() {
            *now.entry(policy).or_default() += 1;
        }
        self.met.lock().unwrap_or_else(PoisonError::into_inner).look(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use QosPolicy::{Durability, Reliability};

    #[test]
    fn those_that_come_are_counted_once_and_not_forgotten() {
        let mut met = Met::default();
        let seen = |reliability, durability| HashMap::from([(Reliability, reliability), (Durability, durability)]);
        assert_eq!(met.look(seen(0, 0)), None);
        assert_eq!(met.look(seen(1, 0)), Some(Mismatch { count: 1, policy: Reliability }));
        assert_eq!(met.look(seen(1, 0)), Some(Mismatch { count: 1, policy: Reliability }));
        assert_eq!(met.look(seen(1, 2)), Some(Mismatch { count: 3, policy: Durability }));
        assert_eq!(met.look(seen(0, 0)), Some(Mismatch { count: 3, policy: Durability }));
        assert_eq!(met.look(seen(1, 0)), Some(Mismatch { count: 4, policy: Reliability }));
    }
}
