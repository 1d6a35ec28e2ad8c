//! Our node and a real ROS 2 (rclpy on Fast DDS) talk to each other.
//!
//! `tests/ros2/setup.sh` installs the peer; where it is not installed, each test says that it skips. The peers
//! are the Python programs in this folder, run as child processes that end with this one.
#![cfg(feature = "dds")]

mod clouds;
mod graph;
mod large;
mod peer;
mod services;
