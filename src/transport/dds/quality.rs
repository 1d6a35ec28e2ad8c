//! Quality of service in the words of RustDDS.

use crate::ros::{Durability, Qos, QosPolicy, Reliability};
use rustdds::dds::qos::QosPolicyId;
use rustdds::policy;
use rustdds::{QosPolicies, QosPolicyBuilder};
use std::time::Duration;

/// Longest time that sending may wait for the history to have room, as Fast DDS has it.
pub(super) const SEND_PATIENCE: Duration = Duration::from_millis(100);

/// Messages that a reliable writer may have under way, whatever its depth. RustDDS counts what is not
/// acknowledged against the resource limit and waits when it is reached: with the depth alone a writer of
/// depth 1 would wait for each message to travel there and back, and RustDDS's own limit of 8192 would hold
/// gigabytes of clouds for a reader that has gone without a word.
const LEAST_UNDER_WAY: usize = 16;

/// Messages that a writer keeps for readers that do not keep up.
pub(super) fn kept(qos: &Qos) -> usize {
    qos.depth.max(LEAST_UNDER_WAY)
}

/// The same for large messages: the more are kept, the older is what comes. Those who come late get all that is latched.
pub(super) fn large_kept(qos: &Qos) -> usize {
    match qos.durability {
        Durability::Volatile => 3,
        Durability::TransientLocal => kept(qos),
    }
}

/// For a writer.
pub(super) fn of_writer(qos: &Qos) -> QosPolicies {
    build(qos, kept(qos))
}

/// For a reader. The limit keeps the topic's cache from holding more messages than may wait: RustDDS would
/// keep 64, read or not, which for clouds of 5 MB are 320 MB.
pub(super) fn of_reader(qos: &Qos) -> QosPolicies {
    build(qos, qos.depth)
}

/// For what says which nodes there are: many small messages, of which the last one holds.
pub(super) fn of_graph() -> QosPolicies {
    build(&Qos::LATCHED, 1024)
}

fn build(qos: &Qos, limit: usize) -> QosPolicies {
    let count = |value: usize| i32::try_from(value.max(1)).unwrap_or(i32::MAX);
    let (depth, limit) = (count(qos.depth), count(limit));
    let builder = QosPolicyBuilder::new()
        .reliability(match qos.reliability {
            Reliability::BestEffort => policy::Reliability::BestEffort,
            Reliability::Reliable => policy::Reliability::Reliable { max_blocking_time: duration(SEND_PATIENCE) },
        })
        .durability(match qos.durability {
            Durability::Volatile => policy::Durability::Volatile,
            Durability::TransientLocal => policy::Durability::TransientLocal,
        })
        .deadline(policy::Deadline(qos.deadline.map_or(rustdds::Duration::INFINITE, duration)))
        .liveliness(policy::Liveliness::Automatic { lease_duration: rustdds::Duration::INFINITE })
        .history(policy::History::KeepLast { depth })
        .resource_limits(policy::ResourceLimits {
            max_samples: limit,
            max_instances: 1,
            max_samples_per_instance: limit,
        });
    builder.build()
}

fn duration(value: Duration) -> rustdds::Duration {
    i64::try_from(value.as_nanos()).map_or(rustdds::Duration::INFINITE, rustdds::Duration::from_nanos)
}

/// On which policy a writer that offers and a reader that asks differ.
pub(super) fn hindrance(offered: &QosPolicies, requested: &QosPolicies) -> QosPolicy {
    match offered.compliance_failure_wrt(requested) {
        Some(QosPolicyId::Reliability) => QosPolicy::Reliability,
        Some(QosPolicyId::Durability) => QosPolicy::Durability,
        Some(QosPolicyId::Deadline) => QosPolicy::Deadline,
        _ => QosPolicy::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The library's judgement and ours are the same, whichever order they look in.
    #[test]
    fn what_does_not_meet_here_does_not_meet_there() {
        let deadline = Some(Duration::from_millis(50));
        let all = [Qos::DEFAULT, Qos::SENSOR_DATA, Qos::LATCHED, Qos { deadline, ..Qos::DEFAULT }];
        for offered in &all {
            for asked in &all {
                let ours = offered.hindrance(asked);
                let (writer, reader) = (of_writer(offered), of_reader(asked));
                assert_eq!(writer.compliance_failure_wrt(&reader).is_some(), ours.is_some(), "{offered:?} {asked:?}");
            }
        }
        let found = hindrance(&of_writer(&Qos::SENSOR_DATA), &of_reader(&Qos::DEFAULT));
        assert_eq!(found, QosPolicy::Reliability);
    }
}
