//! Our node and real peers talk to each other: ROS 2 on Fast DDS, and Cyclone DDS.
//!
//! `tests/ros2/setup.sh` installs the peers; for each that is not installed, the tests say that they skip it. The peers
//! are the Python programs in `ros` and `cyclone`, run as child processes that end with this one.
#![cfg(feature = "dds")]

mod clouds;
mod examples;
mod faults;
mod graph;
mod labels;
mod large;
mod lifecycle;
mod network;
mod parameters;
mod peer;
mod program;
mod recordings;
mod robot;
mod services;
// Models and recordings are made as the replay's tests make them; not all of that is needed here.
#[allow(dead_code)]
#[path = "../replay/support.rs"]
mod support;

/// Each exchange with each kind of peer.
macro_rules! exchanges {
    ($($idea:ident::$exchange:ident,)*) => {
        exchanges!(@kind kilted Kilted $($idea::$exchange,)*);
        exchanges!(@kind jazzy Jazzy $($idea::$exchange,)*);
        exchanges!(@kind cyclone Cyclone $($idea::$exchange,)*);
    };
    (@kind $module:ident $kind:ident $($idea:ident::$exchange:ident,)*) => {
        mod $module {
            $(#[test]
            fn $exchange() {
                let kind = crate::peer::Kind::$kind;
                if kind.is_installed() {
                    crate::$idea::$exchange(kind);
                }
            })*
        }
    };
}

exchanges! {
    clouds::clouds_come_as_they_were_sent,
    clouds::clouds_go_as_they_are_sent,
    clouds::the_late_get_what_was_latched_there,
    clouds::the_late_there_get_what_was_latched,
    clouds::a_mismatch_is_told_on_both_sides,
    clouds::a_peer_that_ends_is_counted_no_more,
    graph::the_node_is_seen_with_its_topics_and_services,
    services::peers_call_our_service,
    services::answers_may_be_larger_than_a_datagram,
    services::we_call_their_service,
}
