//! What the robot remembers: a rolling voxel grid in a gravity-aligned fixed frame.
//!
//! Each occupied voxel (2.5 cm) keeps one measured point, the one taken from closest, its colour,
//! the class votes of every block that saw it, and the instance it belongs to. Voxels leave when
//! they are too far from the robot, too old, or when the map would outgrow its bound: memory is at
//! most `maximum_voxels × (116 + 4 × classes)` bytes, whatever the drive.
//!
//! The columns are dense and their order is the order of first sight (disturbed only by removal),
//! so everything that walks them is deterministic.

mod votes;
mod voxel;
mod voxel_table;
mod windows;

pub use votes::ClassVotes;
pub use voxel::{Insertion, MapOptions, NO_VOXEL, VoxelMap};
pub(crate) use voxel_table::{VoxelTable, voxel_key};
pub use windows::{DirtyWindow, LabelledWindow, Outlook, WindowBook, sort_by_neighbourhood};
