//! Procedural furnished scenes with exact labels, and simulated sensors that look at them.
//!
//! [`Scene::generate`] furnishes a room from a seed: a shell (floor, ceiling, one object per wall,
//! beams, columns, windows, doors, boards) and furniture composed of primitives, all thirteen S3DIS
//! classes ([`CLASSES`]). Rays ([`Scene::cast`]) know exactly what they hit, so every simulated point
//! has its true class and instance.
//!
//! - [`scan_room`] scans a room as data sets and robots do it: a [`LabelledCloud`](crate::cloud::LabelledCloud)
//!   to train on or to evaluate with.
//! - [`DepthCamera`] and [`Lidar`] take single frames with realistic faults.
//! - [`Drive`] moves a robot with one of them through the free floor and yields [`Frame`]s.
//!
//! Everything is a function of seeds: same seed, same bytes, whatever the thread count.

mod class;
mod depth_camera;
mod drive;
mod footprint;
mod furniture;
mod layout;
mod library;
mod lidar;
mod material;
mod mesh;
mod random;
mod ray;
mod rooms;
mod scan;
mod scene;
mod shell;
#[cfg(test)]
mod tests;
mod thin;

pub use class::{CLASS_COLOURS, CLASSES, Class, NO_CLASS};
pub use depth_camera::{DepthCamera, DepthFrame, DepthNoise};
pub use drive::{Drive, Frame, Sensor, SensorData};
pub use footprint::Footprint;
pub use library::{LibraryError, MeshLibrary, ModelError};
pub use lidar::{Lidar, LidarFrame, LidarNoise};
pub use material::{Material, Pattern};
pub use mesh::Surface;
pub use scan::{ScanMode, ScanOptions, scan_room};
pub use scene::{Hit, Light, Piece, RoomKind, Scene, SceneOptions};
pub use shell::Shape;
pub use thin::voxel_thin;
