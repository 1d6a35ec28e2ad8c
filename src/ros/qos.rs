//! Quality of service: what a writer offers, what a reader asks for, and whether the two meet.
//!
//! The terms are those of ROS 2 ("About Quality of Service settings") and of DDS 1.4, section 2.2.3.

use std::fmt;
use std::time::Duration;

/// Whether a message that was lost is sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reliability {
    /// It is not.
    BestEffort,
    /// It is.
    #[default]
    Reliable,
}

/// Whether a reader that comes late gets what was written before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// It does not.
    #[default]
    Volatile,
    /// It does, as far as the writer's history reaches.
    TransientLocal,
}

/// How messages are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Qos {
    /// Lost messages.
    pub reliability: Reliability,
    /// Late readers.
    pub durability: Durability,
    /// Messages that are kept until they are taken or acknowledged, at least 1.
    pub depth: usize,
    /// Longest time between two messages that is promised or asked for; `None`: any.
    pub deadline: Option<Duration>,
}

impl Default for Qos {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Qos {
    /// What publishers and subscriptions have by default: reliable, 10 messages.
    pub const DEFAULT: Self =
        Self { reliability: Reliability::Reliable, durability: Durability::Volatile, depth: 10, deadline: None };
    /// The profile "sensor data": best effort, 5 messages.
    pub const SENSOR_DATA: Self = Self { reliability: Reliability::BestEffort, depth: 5, ..Self::DEFAULT };
    /// For what is said once and holds: `/tf_static`, a map.
    pub const LATCHED: Self = Self { durability: Durability::TransientLocal, depth: 1, ..Self::DEFAULT };
    /// The profile of services.
    pub const SERVICES: Self = Self::DEFAULT;

    /// The policy for which a reader that asks for `asked` gets nothing from a writer that offers `self`;
    /// `None` where the two meet.
    pub fn hindrance(&self, asked: &Qos) -> Option<QosPolicy> {
        if self.reliability == Reliability::BestEffort && asked.reliability == Reliability::Reliable {
            return Some(QosPolicy::Reliability);
        }
        if self.durability == Durability::Volatile && asked.durability == Durability::TransientLocal {
            return Some(QosPolicy::Durability);
        }
        let late = asked.deadline.is_some_and(|asked| self.deadline.is_none_or(|offered| offered > asked));
        late.then_some(QosPolicy::Deadline)
    }
}

/// A policy on which a writer and a reader may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QosPolicy {
    /// [`Qos::reliability`].
    Reliability,
    /// [`Qos::durability`].
    Durability,
    /// [`Qos::deadline`].
    Deadline,
    /// One that we do not set ourselves.
    Other,
}

impl fmt::Display for QosPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reliability => "reliability",
            Self::Durability => "durability",
            Self::Deadline => "deadline",
            Self::Other => "another policy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_what_is_offered_at_least_as_well_as_asked() {
        let (sensor, latched, usual) = (Qos::SENSOR_DATA, Qos::LATCHED, Qos::DEFAULT);
        assert_eq!(usual.hindrance(&sensor), None);
        assert_eq!(latched.hindrance(&usual), None);
        assert_eq!(sensor.hindrance(&usual), Some(QosPolicy::Reliability));
        assert_eq!(usual.hindrance(&latched), Some(QosPolicy::Durability));
        let hurried = Qos { deadline: Some(Duration::from_millis(50)), ..usual };
        assert_eq!(usual.hindrance(&hurried), Some(QosPolicy::Deadline));
        assert_eq!(hurried.hindrance(&hurried), None);
        assert_eq!(hurried.hindrance(&usual), None);
    }
}
