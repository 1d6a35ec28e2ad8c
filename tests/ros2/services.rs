//! ROS 2 calls our services, and we call its.

use crate::peer::{PATIENCE, Peer, domain, node};
use instanton::ros::cdr::{CdrReader, CdrWriter};
use instanton::ros::{Middleware, ServiceType};

const SET_BOOL: ServiceType = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };

#[test]
fn ros_calls_our_service() {
    let domain = domain();
    let node = node(domain);
    let _service = node
        .serve(
            "/instanton/set",
            SET_BOOL,
            Box::new(|request, answer| {
                let asked = CdrReader::new(request)?.bool("data")?;
                let mut writer = CdrWriter::new(answer);
                writer.bool(asked);
                writer.text("message", if asked { "on" } else { "off" })
            }),
        )
        .unwrap();
    let Some(caller) = Peer::start("caller.py", domain, &["--service", "/instanton/set", "--count", "5"]) else {
        return;
    };
    for count in 0..5 {
        let answer = caller.says("success");
        let expected = if count % 2 == 1 { (true, "on") } else { (false, "off") };
        assert_eq!((answer["success"].as_bool(), answer["message"].as_str()), (Some(expected.0), Some(expected.1)));
    }
}

#[test]
fn we_call_a_service_of_ros() {
    let domain = domain();
    let Some(server) = Peer::start("server.py", domain, &["--service", "/set"]) else { return };
    server.says("ready");
    let node = node(domain);
    let client = node.client("/set", SET_BOOL).unwrap();
    for asked in [true, false, true] {
        let mut request = Vec::new();
        CdrWriter::new(&mut request).bool(asked);
        let answer = client.call(&request, PATIENCE).unwrap();
        let mut reader = CdrReader::new(&answer).unwrap();
        assert_eq!(reader.bool("success").unwrap(), asked);
        let said = if asked { "asked for True" } else { "asked for False" };
        assert_eq!(reader.text("message").unwrap(), said);
    }
}
