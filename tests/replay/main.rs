//! Replay: recordings in, labelled clouds out, and a defined answer to everything else.

mod bad_input;
mod drives;
mod live_node;
mod real;
mod ros_node;
mod support;
