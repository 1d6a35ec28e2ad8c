//! `instanton run`: live clouds of a ROS 2 network in, labelled clouds out, without a ROS installation.

use std::sync::Arc;

use super::Verdict;
use super::node::{self, NodeArguments, Ros};
use crate::transport::dds::{Dds, DdsOptions};

/// Arguments of `instanton run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton run --cloud /camera/points                        # any machine of the network, no ROS needed
  instanton run --depth /camera/depth/image_rect_raw --colour-image /camera/color/image_raw
  instanton run --cloud /ouster/points --fixed-frame map --deadline-ms 80
  instanton run --cloud /points --upright                     # no transforms: the sensor's own z is up
  ROS_DOMAIN_ID=7 instanton -v run --cloud points --ros-args -r __ns:=/robot -p deadline_ms:=80

Publishes, each only while somebody listens: ~/labelled (the input's fields, label, instance, confidence, colour),
~/labelled_compact (a point a voxel, never more than a datagram), ~/objects (vision_msgs/Detection3DArray), ~/markers
(boxes and names for RViz and Foxglove), ~/obstacles (everything that is neither floor nor ceiling), /diagnostics, /rosout.
A managed node: ros2 lifecycle, ros2 param while it runs. Ends with Ctrl-C.

Exit codes: 0 ended when told to; 2 bad input, or what the system forbids.")]
pub(super) struct Arguments {
    #[command(flatten)]
    node: NodeArguments,
    /// DDS domain [default: $ROS_DOMAIN_ID, else 0].
    #[arg(long)]
    domain: Option<u16>,
}

pub(super) fn run(arguments: &Arguments, ros: &Ros) -> anyhow::Result<Verdict> {
    let domain = arguments.domain;
    node::run(&arguments.node, ros, |name| {
        let options = DdsOptions {
            domain,
            node_name: name.name().to_owned(),
            namespace: name.namespace().to_owned(),
            range: None,
        };
        let dds = Dds::open(options)?;
        eprintln!(
            "labelled clouds above 1 MB: give Fast DDS subscribers larger buffers \
             (ros2/config/fastdds_large_data.xml), or listen to labelled_compact"
        );
        Ok(Arc::new(dds))
    })
}
