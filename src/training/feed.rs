//! An endless, reproducible stream of training blocks from simulated rooms.

use std::io::{self, Write};
use std::thread;

use crossbeam::channel::{Receiver, bounded};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Augmentation, ClassBalance, WindowChoice, augment, header, write_record};
use crate::block::{Block, BlockError, BlockSampler, Extent, ROBUST_FRACTION, RobustExtent, WindowIndex, Windowing};
use crate::cloud::LabelledCloud;
use crate::geometry::{GeometryError, GeometryPlan, LevelSpecification, PlanSpecification, PlanWorkspace};
use crate::sim::{CLASSES, ScanOptions, Scene, SceneOptions, scan_room, voxel_thin};

/// Rooms that are drawn from at any time: neighbouring blocks of the stream come from different
/// rooms, which batch normalisation needs.
const ROOMS_AT_HAND: usize = 32;

/// Blocks drawn from one augmented copy of a room before it is augmented anew.
const BLOCKS_PER_COPY: usize = 8;

/// Voxel size of the live map (m): training sees rooms as thinned as the field does.
const VOXEL: f32 = 0.025;

/// Which rooms the blocks come from. The two never share a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// Rooms to learn from.
    Training,
    /// Rooms to judge by; not augmented.
    Validation,
}

/// What to stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedOptions {
    /// Seed of the stream: the same seed gives the same bytes.
    pub seed: u64,
    /// Points per block.
    pub points: usize,
    /// How many blocks are drawn from a room before a new one takes its place.
    pub blocks_per_room: usize,
    /// Training or validation rooms.
    pub split: Split,
    /// How rooms are changed.
    pub augmentation: Augmentation,
}

/// Why the stream stopped.
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
    /// Fewer points than the coarsest level needs.
    #[error("{points} points per block: expected at least {minimum}, a multiple of {minimum}")]
    Points {
        /// What was asked for.
        points: usize,
        /// Smallest size.
        minimum: usize,
    },
}

/// A room at hand with the copy that blocks are drawn from.
struct Room {
    original: LabelledCloud,
    copy: Copy,
    drawn: usize,
}

/// An augmented, voxel-thinned copy of a room with its windows.
struct Copy {
    room: LabelledCloud,
    extent: Extent,
    windows: WindowChoice,
}

/// The stream.
pub struct Feed {
    options: FeedOptions,
    specification: PlanSpecification,
    random: ChaCha8Rng,
    scans: Receiver<LabelledCloud>,
    rooms: Vec<Room>,
    balance: ClassBalance,
    block: Block,
    plan: GeometryPlan,
    workspace: PlanWorkspace,
}

impl Feed {
    /// Starts simulating rooms on a thread of their own.
    ///
    /// The levels keep a quarter of the points each, as in ASIS (4096 → 1024 → 256 → 64 → 16), so
    /// that smaller blocks make a cheaper network of the same shape.
    ///
    /// # Errors
    /// [`FeedError::Points`] unless `points` is a positive multiple of 256.
    pub fn new(options: FeedOptions) -> Result<Self, FeedError> {
        if options.points == 0 || !options.points.is_multiple_of(256) {
            return Err(FeedError::Points { points: options.points, minimum: 256 });
        }
        let level = |divisor, radius| LevelSpecification::ball(options.points / divisor, radius, 32);
        let specification =
            PlanSpecification { levels: vec![level(4, 0.1), level(16, 0.2), level(64, 0.4), level(256, 0.8)] };
        let (sender, scans) = bounded(4);
        let first = room_seeds(&options);
        thread::spawn(move || {
            for seed in first.. {
                let scene = Scene::generate(seed, &SceneOptions { density: density(seed), ..SceneOptions::default() });
                let scan = scan_room(&scene, &ScanOptions { seed, ..ScanOptions::default() });
                if sender.send(scan).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            options,
            specification,
            random: ChaCha8Rng::seed_from_u64(options.seed),
            scans,
            rooms: Vec::new(),
            balance: ClassBalance::default(),
            block: Block::default(),
            plan: GeometryPlan::default(),
            workspace: PlanWorkspace::default(),
        })
    }

    /// Writes the header and then `count` records (without end if `None`).
    pub fn run(&mut self, out: &mut impl Write, count: Option<u64>) -> Result<(), FeedError> {
        writeln!(out, "{}", header(self.options.points, &self.specification, &CLASSES))?;
        let mut written = 0;
        while count.is_none_or(|count| written < count) {
            self.write_block(out)?;
            written += 1;
        }
        out.flush()?;
        Ok(())
    }

    fn write_block(&mut self, out: &mut impl Write) -> Result<(), FeedError> {
        // The reservoir fills while it is drawn from: the first blocks do not wait for 32 rooms.
        if self.rooms.len() < ROOMS_AT_HAND {
            let room = self.next_room()?;
            self.rooms.push(room);
        }
        let chosen = self.random.random_range(0..self.rooms.len());
        let drawn = self.rooms[chosen].drawn;
        if drawn >= self.options.blocks_per_room {
            self.rooms[chosen] = self.next_room()?;
        } else if drawn > 0 && drawn.is_multiple_of(BLOCKS_PER_COPY) {
            // A copy that lost too many points to fill a block is passed over: the old one serves on.
            if let Some(copy) = Copy::of(&self.rooms[chosen].original, &self.options, &mut self.random)? {
                self.rooms[chosen].copy = copy;
            }
        }
        let room = &mut self.rooms[chosen];
        room.drawn += 1;
        let Copy { room, extent, windows } = &room.copy;
        let key = windows.draw(&room.cloud.position, &self.balance, &mut self.random);
        let windowing = Windowing { points: self.options.points, ..Windowing::default() };
        let mut sampler = BlockSampler::new(windowing, self.random.random())?;
        sampler.sample(windows.candidates(key), &room.cloud, extent, key, &mut self.block)?;
        self.plan.compute(&self.block.position, &self.specification, &mut self.workspace)?;
        let sampled = self.block.index.iter().map(|&point| point as usize);
        let class: Vec<u8> = sampled.clone().map(|point| room.class[point]).collect();
        let instance: Vec<i32> = sampled.map(|point| room.instance[point]).collect();
        self.balance.count(&class);
        write_record(out, &self.block.features, &class, &instance, &self.plan)?;
        Ok(())
    }

    fn next_room(&mut self) -> Result<Room, FeedError> {
        loop {
            let original = self.scans.recv().expect("the simulating thread outlives the stream");
            if let Some(copy) = Copy::of(&original, &self.options, &mut self.random)? {
                return Ok(Room { original, copy, drawn: 0 });
            }
        }
    }
}

impl Copy {
    /// `None` if no window of the copy holds enough points.
    fn of(original: &LabelledCloud, options: &FeedOptions, random: &mut ChaCha8Rng) -> Result<Option<Self>, FeedError> {
        let mut room = match options.split {
            Split::Training => augment(original, &options.augmentation, random),
            Split::Validation => original.clone(),
        };
        shift_lattice(&mut room, random);
        let room = voxel_thin(&room, VOXEL);
        let Some(extent) = RobustExtent::default().estimate(&room.cloud.position, ROBUST_FRACTION) else {
            return Ok(None);
        };
        let windowing = Windowing::default();
        let mut windows = WindowIndex::new(windowing)?;
        windows.build(&room.cloud.position);
        Ok(WindowChoice::new(&room, windows, windowing).map(|windows| Self { room, extent, windows }))
    }
}

/// Moves a room by less than a stride, so that the windows cut it anywhere. In the field they hang
/// on the place where the robot was switched on, not on the corner of a room.
fn shift_lattice(room: &mut LabelledCloud, random: &mut ChaCha8Rng) {
    let stride = Windowing::default().stride;
    let shift: [f32; 2] = std::array::from_fn(|_| random.random_range(0.0..stride));
    for point in &mut room.cloud.position {
        point[0] += shift[0];
        point[1] += shift[1];
    }
}

/// Where a split's rooms start to count: far enough apart that no two streams meet.
fn room_seeds(options: &FeedOptions) -> u64 {
    let half = match options.split {
        Split::Training => 0,
        Split::Validation => 1 << 62,
    };
    half + options.seed.wrapping_mul(1 << 32) % (1 << 62)
}

/// From a tidy room to twice the furniture: real rooms are fuller than the simulator's default.
fn density(seed: u64) -> f32 {
    ChaCha8Rng::seed_from_u64(seed).random_range(1.0..2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(seed: u64, split: Split, count: u64) -> Vec<u8> {
        let options =
            FeedOptions { seed, points: 512, blocks_per_room: 4, split, augmentation: Augmentation::default() };
        let mut bytes = Vec::new();
        Feed::new(options).expect("sound options").run(&mut bytes, Some(count)).expect("a stream in memory");
        bytes
    }

    #[test]
    fn the_header_says_how_long_the_records_are() {
        let bytes = stream(1, Split::Training, 3);
        let end = bytes.iter().position(|&byte| byte == b'\n').expect("a header line");
        let header: serde_json::Value = serde_json::from_slice(&bytes[..end]).expect("JSON");
        let record = header["record_bytes"].as_u64().expect("a number") as usize;
        assert_eq!(bytes.len() - end - 1, 3 * record);
        assert_eq!(header["levels"][3]["points"], 2);
        // The classes of the first record, behind its features.
        let classes = &bytes[end + 1 + 512 * 36..end + 1 + 512 * 37];
        assert!(classes.iter().all(|&class| class < 13 || class == 255));
        assert!(classes.iter().any(|&class| class < 13));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_no_other_does() {
        let first = stream(5, Split::Training, 40);
        assert!(first == stream(5, Split::Training, 40), "reproducible");
        assert!(first != stream(6, Split::Training, 40));
        assert!(first != stream(5, Split::Validation, 40));
    }

    #[test]
    fn sizes_that_fill_no_level_are_refused() {
        let options = FeedOptions {
            seed: 0,
            points: 1000,
            blocks_per_room: 1,
            split: Split::Training,
            augmentation: Augmentation::default(),
        };
        let error = Feed::new(options).err().expect("1000 is no multiple of 256").to_string();
        assert!(error.contains("1000"), "{error}");
    }
}
