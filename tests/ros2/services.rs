//! Peers call our services, and we call theirs, whichever way they map services to topics.

use crate::peer::{Kind, PATIENCE, Peer, domain, node};
use instanton::ros::cdr::{CdrReader, CdrWriter};
use instanton::ros::{Middleware, Service, ServiceType};
use instanton::transport::dds::Dds;
use std::time::Duration;

const SET_BOOL: ServiceType = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };
const CALLS: usize = 5;

/// Answers "on" or "off", followed by something of the given length.
fn serve(node: &Dds, length: usize) -> Box<dyn Service> {
    let more = "x".repeat(length);
    let answer = move |request: &[u8], answer: &mut Vec<u8>| {
        let asked = CdrReader::new(request)?.bool("data")?;
        let mut writer = CdrWriter::new(answer);
        writer.bool(asked);
        writer.text("message", &format!("{}{more}", if asked { "on" } else { "off" }))
    };
    node.serve("/instanton/set", SET_BOOL, Box::new(answer)).unwrap()
}

fn call(caller: &Peer, length: usize) {
    for count in 0..CALLS {
        let answer = caller.says("success");
        let expected = if count % 2 == 1 { (true, "on") } else { (false, "off") };
        assert_eq!(answer["success"], expected.0);
        let message = answer["message"].as_str().unwrap();
        assert!(message.starts_with(expected.1), "{message:.20}");
        assert_eq!(message.len(), expected.1.len() + length);
    }
}

pub fn peers_call_our_service(kind: Kind) {
    let domain = domain();
    let node = node(domain);
    let _service = serve(&node, 0);
    call(&Peer::start(kind, "caller.py", domain, &["--service", "/instanton/set"]), 0);
}

/// Both kinds of callers at once: each understands its own answers and passes over the other's.
#[test]
fn callers_of_both_mappings_do_not_disturb_each_other() {
    let domain = domain();
    let node = node(domain);
    let _service = serve(&node, 10);
    let start = |kind| Peer::start(kind, "caller.py", domain, &["--service", "/instanton/set"]);
    let callers: Vec<Peer> = Kind::installed().into_iter().map(start).collect();
    callers.iter().for_each(|caller| call(caller, 10));
}

/// Such as the description of all parameters: fragments that carry the identity of a request.
pub fn answers_may_be_larger_than_a_datagram(kind: Kind) {
    let domain = domain();
    let node = node(domain);
    let _service = serve(&node, 200_000);
    call(&Peer::start(kind, "caller.py", domain, &["--service", "/instanton/set"]), 200_000);
}

pub fn we_call_their_service(kind: Kind) {
    let domain = domain();
    let server = Peer::start(kind, "server.py", domain, &["--service", "/set"]);
    server.says("ready");
    let node = node(domain);
    let client = node.client("/set", SET_BOOL).unwrap();
    // Neither middleware waits with a request until its server has met the caller: the first one may be lost.
    std::thread::sleep(Duration::from_secs(2));
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
