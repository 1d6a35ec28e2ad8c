//! Why a stream did not begin, or stopped.

use std::io;
use std::path::PathBuf;

use crate::block::BlockError;
use crate::geometry::GeometryError;
use crate::network::{ArchitectureError, zoo};
use crate::sim::CLASSES;
use crate::transport::FileError;

/// Why there is no stream, or no more of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The reader went away or the disk is full.
    #[error("writing the stream: {0}")]
    Write(#[from] io::Error),
    /// A block could not be cut.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A plan could not be made.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A room could not be read, or its copy not be kept.
    #[error(transparent)]
    File(#[from] FileError),
    /// Fewer points than the coarsest level needs.
    #[error("{points} points per block: expected at least {minimum}, a multiple of {minimum}")]
    Points {
        /// What was asked for.
        points: usize,
        /// Smallest size.
        minimum: usize,
    },
    /// Sizes that make no network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A network without a plan.
    #[error("network {network}: expected one of {}", zoo::NAMES.join(", "))]
    Network {
        /// What was asked for.
        network: String,
    },
    /// A point that is nowhere.
    #[error("{}, row {row}: expected finite coordinates, found {position:?}", path.display())]
    NotFinite {
        /// The room.
        path: PathBuf,
        /// Which point, counted from 0.
        row: usize,
        /// What it holds.
        position: [f32; 3],
    },
    /// A class that no network of this feed has.
    #[error("{}, row {row}: expected a class from 0 to {} ({}), or 255 for ignored, found {class}", path.display(), CLASSES.len() - 1, CLASSES.join(", "))]
    Class {
        /// The room.
        path: PathBuf,
        /// Which point, counted from 0.
        row: usize,
        /// What it holds.
        class: u8,
    },
    /// A room without points.
    #[error("{}: expected a room with points, found none", path.display())]
    Empty {
        /// The room.
        path: PathBuf,
    },
    /// A room whose place in the six folds is unknown.
    #[error("{}: expected Area_1 to Area_6 in the path or name, which folds and areas need", path.display())]
    NoArea {
        /// The room.
        path: PathBuf,
    },
    /// No room is left to draw from.
    #[error("expected at least one room of the areas {areas:?}, found none among {rooms} rooms")]
    NoRoom {
        /// Rooms that were found at all.
        rooms: usize,
        /// Areas that were asked for.
        areas: Vec<u8>,
    },
    /// Rooms, but none that fills a block.
    #[error("{rooms} rooms one after the other hold no window of 1 m with at least 100 points")]
    NoBlock {
        /// Rooms that were tried.
        rooms: u64,
    },
    /// The threads could not be had.
    #[error("starting {threads} threads: {reason}")]
    Threads {
        /// What was asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
