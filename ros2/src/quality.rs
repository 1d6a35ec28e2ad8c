//! Quality of service in the words of `rclrs`, and from them.

use instanton::ros::{Durability, Qos, Reliability};
use rclrs::{QoSDurabilityPolicy, QoSDuration, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy};
use std::time::Duration;

/// Longer than anybody means: what middlewares say for "no deadline".
const NO_DEADLINE: Duration = Duration::from_secs(1 << 30);

/// As `rclrs` has it.
pub(crate) fn profile(qos: &Qos) -> QoSProfile {
    let depth = u32::try_from(qos.depth.max(1)).unwrap_or(u32::MAX);
    QoSProfile {
        history: QoSHistoryPolicy::KeepLast { depth },
        reliability: match qos.reliability {
            Reliability::BestEffort => QoSReliabilityPolicy::BestEffort,
            Reliability::Reliable => QoSReliabilityPolicy::Reliable,
        },
        durability: match qos.durability {
            Durability::Volatile => QoSDurabilityPolicy::Volatile,
            Durability::TransientLocal => QoSDurabilityPolicy::TransientLocal,
        },
        deadline: qos.deadline.map_or(QoSDuration::SystemDefault, QoSDuration::Custom),
        ..QoSProfile::topics_default()
    }
}

/// What a peer has, as far as it decides whether the two meet.
pub(crate) fn of_peer(profile: &QoSProfile) -> Qos {
    Qos {
        reliability: match profile.reliability {
            QoSReliabilityPolicy::BestEffort => Reliability::BestEffort,
            _ => Reliability::Reliable,
        },
        durability: match profile.durability {
            QoSDurabilityPolicy::TransientLocal => Durability::TransientLocal,
            _ => Durability::Volatile,
        },
        deadline: match profile.deadline {
            QoSDuration::Custom(deadline) if deadline < NO_DEADLINE => Some(deadline),
            _ => None,
        },
        ..Qos::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_survives_the_way_there_and_back() {
        let hurried = Qos { deadline: Some(Duration::from_millis(50)), ..Qos::DEFAULT };
        for qos in [Qos::DEFAULT, Qos::SENSOR_DATA, Qos::LATCHED, hurried] {
            assert_eq!(of_peer(&profile(&qos)), Qos { depth: Qos::DEFAULT.depth, ..qos });
        }
        let history = profile(&Qos { depth: 7, ..Qos::DEFAULT }).history;
        assert_eq!(history, QoSHistoryPolicy::KeepLast { depth: 7 });
        let endless = QoSDuration::Custom(Duration::from_secs(i32::MAX as u64));
        assert_eq!(of_peer(&QoSProfile { deadline: endless, ..profile(&Qos::DEFAULT) }).deadline, None);
    }
}
