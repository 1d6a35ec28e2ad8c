//! How ROS 2 names topics, services and types on DDS ("Topic and Service name mapping to DDS", design.ros2.org).

/// Whether this is a whole name as ROS 2 has them: `/camera/points`.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let tokens = name.strip_prefix('/').ok_or_else(|| format!("expected a name that begins with /, found {name:?}"))?;
    tokens.split('/').try_for_each(|token| check_token(token).map_err(|reason| format!("{reason} in {name:?}")))
}

/// Whether this is one part of a name: letters, digits and underscores, no digit first.
pub(super) fn check_token(token: &str) -> Result<(), String> {
    let plain = token.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    if token.is_empty() || !plain || token.as_bytes()[0].is_ascii_digit() {
        return Err(format!("expected letters, digits and underscores, no digit first, found {token:?}"));
    }
    Ok(())
}

/// `/camera/points` → `rt/camera/points`.
pub(super) fn topic(name: &str) -> String {
    format!("rt{name}")
}

/// `/node/get_state` → `rq/node/get_stateRequest`.
pub(super) fn request_topic(service: &str) -> String {
    format!("rq{service}Request")
}

/// `/node/get_state` → `rr/node/get_stateReply`.
pub(super) fn reply_topic(service: &str) -> String {
    format!("rr{service}Reply")
}

/// `sensor_msgs/msg/PointCloud2` → `sensor_msgs::msg::dds_::PointCloud2_`; `suffix` is `_Request` or
/// `_Response` for the two halves of a service.
pub(super) fn type_name(ros: &str, suffix: &str) -> Result<String, String> {
    let mut parts = ros.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(package), Some(kind @ ("msg" | "srv")), Some(name), None)
            if check_token(package).is_ok() && check_token(name).is_ok() =>
        {
            Ok(format!("{package}::{kind}::dds_::{name}{suffix}_"))
        }
        _ => Err(format!("expected a type such as sensor_msgs/msg/PointCloud2, found {ros:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_ros() {
        assert_eq!(topic("/camera/points"), "rt/camera/points");
        assert_eq!(request_topic("/seg/get_state"), "rq/seg/get_stateRequest");
        assert_eq!(reply_topic("/seg/get_state"), "rr/seg/get_stateReply");
        assert_eq!(type_name("sensor_msgs/msg/PointCloud2", "").unwrap(), "sensor_msgs::msg::dds_::PointCloud2_");
        assert_eq!(type_name("std_srvs/srv/Empty", "_Request").unwrap(), "std_srvs::srv::dds_::Empty_Request_");
        assert!(type_name("PointCloud2", "").is_err());
        assert!(type_name("a/msg/b/c", "").is_err());
    }

    #[test]
    fn names_that_are_none_are_refused() {
        assert!(check_name("/camera/points").is_ok());
        for name in ["", "/", "points", "/a//b", "/a/", "/1a", "/a b", "/ä"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
