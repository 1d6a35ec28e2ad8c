//! What a ROS 2 process is told by its environment: the domain, and how far it is to be heard.

use crate::ros::MiddlewareError;

/// Highest domain whose ports lie below 65536.
pub(super) const LAST_DOMAIN: u16 = 232;

/// How far the node looks for others and is to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiscoveryRange {
    /// Everyone whom multicast reaches.
    #[default]
    Subnet,
    /// This machine only: nothing is announced on, or sent through, another interface than loopback.
    Localhost,
}

/// The domain: as given, otherwise as `ROS_DOMAIN_ID` says, otherwise 0.
pub(super) fn domain(given: Option<u16>, variable: Option<&str>) -> Result<u16, MiddlewareError> {
    let found = match (given, variable) {
        (Some(domain), _) => domain.to_string(),
        (None, Some(text)) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => return Ok(0),
    };
    let known = found.parse().ok().filter(|domain| *domain <= LAST_DOMAIN);
    known.ok_or_else(|| MiddlewareError::Start {
        what: "DDS".to_owned(),
        reason: format!("ROS_DOMAIN_ID: expected 0 to {LAST_DOMAIN}, found {found:?}"),
    })
}

/// The range: as given, otherwise as `ROS_AUTOMATIC_DISCOVERY_RANGE` or the older `ROS_LOCALHOST_ONLY` say.
/// The second is what cannot be honoured, for the log.
pub(super) fn range(
    given: Option<DiscoveryRange>,
    automatic: Option<&str>,
    localhost_only: Option<&str>,
) -> (DiscoveryRange, Option<String>) {
    if let Some(range) = given {
        return (range, None);
    }
    // As in rmw: the older variable wins where it is set.
    if localhost_only.is_some_and(|value| value.trim() == "1") {
        return (DiscoveryRange::Localhost, None);
    }
    match automatic.map(str::trim).unwrap_or_default() {
        "" | "SUBNET" | "SYSTEM_DEFAULT" => (DiscoveryRange::Subnet, None),
        "LOCALHOST" => (DiscoveryRange::Localhost, None),
        "OFF" => {
            let said = "ROS_AUTOMATIC_DISCOVERY_RANGE=OFF: RustDDS cannot do without discovery; taken as LOCALHOST";
            (DiscoveryRange::Localhost, Some(said.to_owned()))
        }
        other => {
            let said = format!(
                "ROS_AUTOMATIC_DISCOVERY_RANGE: expected SUBNET, LOCALHOST, OFF or SYSTEM_DEFAULT, found {other:?}; \
                 taken as SUBNET"
            );
            (DiscoveryRange::Subnet, Some(said))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_given_or_told_or_zero() {
        assert_eq!(domain(Some(7), Some("9")), Ok(7));
        assert_eq!(domain(None, Some(" 9 ")), Ok(9));
        assert_eq!(domain(None, Some("")), Ok(0));
        assert_eq!(domain(None, None), Ok(0));
        for bad in ["x", "-1", "233", "70000", "1.5"] {
            let MiddlewareError::Start { reason, .. } = domain(None, Some(bad)).unwrap_err() else { panic!("{bad}") };
            assert!(reason.contains(bad) && reason.contains("ROS_DOMAIN_ID"), "{reason}");
        }
        assert!(domain(Some(233), None).is_err());
    }

    #[test]
    fn the_range_says_what_it_cannot_do() {
        use DiscoveryRange::{Localhost, Subnet};
        assert_eq!(range(None, None, None), (Subnet, None));
        assert_eq!(range(Some(Subnet), Some("LOCALHOST"), Some("1")), (Subnet, None));
        assert_eq!(range(None, Some("SUBNET"), Some("1")), (Localhost, None));
        assert_eq!(range(None, Some("LOCALHOST"), Some("0")), (Localhost, None));
        assert!(range(None, Some("OFF"), None).1.is_some());
        assert!(range(None, Some("far"), None).1.is_some_and(|said| said.contains("far")));
    }
}
