//! Bytes from the network that are nothing, or nearly something, do not kill.

use crate::dds_world::{DdsWorld, domain};
use crate::world::{PATIENCE, World, assert_same, connected, message, noise};
use instanton::ros::Qos;
use std::net::UdpSocket;

/// Submessage kinds of RTPS that have a meaning, and some that have none.
const KINDS: [u8; 16] =
    [0x01, 0x06, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x13, 0x15, 0x16, 0x30, 0x80, 0xff];

#[test]
fn garbage_does_not_end_the_node() {
    let world = DdsWorld::new("garbage_does_not_end_the_node");
    let (publisher, _subscription, heard) = connected(&world, &world.name("points"), Qos::DEFAULT);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let base = 7400 + 250 * domain();
    for round in 0..4_000 {
        let noise: Vec<u8> = noise(8 + (round as usize * 37) % 900, round).collect();
        let mut datagram = b"RTPS\x02\x03\x01\x0f".to_vec();
        datagram.extend_from_slice(&noise[8..noise.len().min(20)]);
        datagram.resize(20, 3);
        // A few submessages: a kind, flags, a length that may be a lie, and noise.
        for part in noise[8..].chunks(60) {
            let length = if round % 3 == 0 { u16::from(part[0]) * 257 } else { part.len() as u16 };
            let kind = KINDS[part[part.len() / 2] as usize % KINDS.len()];
            datagram.extend_from_slice(&[kind, part[0] & 0x0f | 1]);
            datagram.extend_from_slice(&length.to_le_bytes());
            datagram.extend_from_slice(part);
        }
        let bytes = if round % 5 == 0 { &noise[..] } else { &datagram[..] };
        // Discovery and data ports of the participants that the tests of this process have, by the RTPS formula.
        let port = base + [0, 1, 10, 11, 12, 13, 14, 15, 16, 17][round as usize % 10];
        let _ = socket.send_to(bytes, ("127.0.0.1", port));
    }
    for count in 0..5 {
        publisher.send(&message(100, count)).unwrap();
        assert_same(&heard.recv_timeout(PATIENCE).unwrap().1, &message(100, count));
    }
    assert_eq!(publisher.subscriptions(), 1);
}
