//! The labelling node over the ROS 2 installation that this program was built with: `ros2 run instanton_ros instanton_node`.
//!
//! The same arguments, parameters, topics and services as `instanton run`.

use std::process::ExitCode;
use std::sync::Arc;

use instanton::ros::arguments::RosArguments;
use instanton_ros::{Rclrs, RclrsOptions};

fn main() -> ExitCode {
    instanton::cli::node_main(|name| {
        // The one argument that is the middleware's and not the node's.
        let words = std::env::args_os().filter_map(|word| word.into_string().ok());
        let enclave = RosArguments::parse(words)?.0.enclave;
        let (node_name, namespace) = (name.name().to_owned(), name.namespace().to_owned());
        Ok(Arc::new(Rclrs::open(RclrsOptions { domain: None, node_name, namespace, enclave })?))
    })
}
