//! Every middleware keeps the same promises: one suite, run over each of them.
//!
//! A `World` makes two nodes that hear each other. The ideas are one file each; `suite!` runs all of them over
//! each world, and over `rclrs` in the package that has it (`ros2`). What has no network between the nodes cannot be garbled from outside, so that `hostile` has a
//! part of its own.

mod big;
mod counts;
#[cfg(feature = "dds")]
mod dds_world;
mod ends;
#[cfg(feature = "dds")]
mod hostile;
mod late;
mod local_world;
mod mismatch;
mod order;
mod panics;
mod services;
mod suite;
mod world;

suite::suite! {
    crate::local_world::LocalWorld, in local_bus;
    crate::dds_world::DdsWorld, in dds if feature = "dds";
}
