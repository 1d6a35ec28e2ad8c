//! One of the independent sequences of blocks that make up a stream.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    BlockProtocol, ClassBalance, FeedError, FeedOptions, RoomSource, Split, WindowChoice, augment, mix, write_record,
};
use crate::block::reference::{ReferenceRoom, ReferenceWindow, shift_to_origin};
use crate::block::{Block, BlockError, BlockSampler, Extent, ROBUST_FRACTION, RobustExtent, WindowIndex, Windowing};
use crate::cloud::LabelledCloud;
use crate::geometry::{GeometryPlan, PlanSpecification, PlanWorkspace};
use crate::sim::voxel_thin;

/// Lanes of a stream. The number is part of the stream: it decides which block comes when.
pub(super) const LANES: u64 = 16;

/// Rooms that a lane draws from at any time. Neighbouring blocks of the stream come from different
/// rooms, which batch normalisation needs.
const ROOMS_AT_HAND: usize = 3;

/// Blocks drawn from one augmented copy of a room before it is augmented anew.
const BLOCKS_PER_COPY: usize = 8;

/// Voxel size of the live map (m): training sees rooms as thinned as the field does.
const VOXEL: f32 = 0.025;

/// Classes and instances of a block's points.
type BlockLabels = (Vec<u8>, Vec<i32>);

/// A room at hand with the copy that blocks are drawn from.
struct Room {
    original: Arc<LabelledCloud>,
    copy: Copy,
    drawn: usize,
}

/// An augmented, voxel-thinned copy of a room with its windows.
struct Copy {
    room: LabelledCloud,
    extent: Extent,
    windows: WindowChoice,
}

/// A room cut into the published blocks, and those that the epoch has not shown yet.
struct PublishedRoom {
    room: LabelledCloud,
    blocks: ReferenceRoom,
    remaining: Vec<ReferenceWindow>,
}

/// A sequence of blocks that hangs on the options and the lane's number only.
pub(super) struct Lane {
    options: Arc<FeedOptions>,
    source: RoomSource,
    specification: PlanSpecification,
    /// Place of the lane's next room in the source's sequence: every [`LANES`]-th is its own.
    next_room: u64,
    random: ChaCha8Rng,
    rooms: Vec<Room>,
    published: Vec<PublishedRoom>,
    is_over: bool,
    balance: ClassBalance,
    block: Block,
    plan: GeometryPlan,
    workspace: PlanWorkspace,
}

impl Lane {
    pub fn new(number: u64, options: Arc<FeedOptions>, source: RoomSource, specification: PlanSpecification) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        random.set_stream(number);
        Self {
            options,
            source,
            specification,
            next_room: number,
            random,
            rooms: Vec::new(),
            published: Vec::new(),
            is_over: false,
            balance: ClassBalance::default(),
            block: Block::default(),
            plan: GeometryPlan::default(),
            workspace: PlanWorkspace::default(),
        }
    }

    /// The bytes of the next block; `None` at the end of the last epoch. `pool` runs what a room's
    /// making does side by side.
    pub fn next(&mut self, pool: &rayon::ThreadPool) -> Result<Option<Vec<u8>>, FeedError> {
        let sampled = match self.options.protocol {
            BlockProtocol::Live => self.draw_live(pool)?,
            BlockProtocol::Reference => self.draw_published(pool)?,
        };
        let Some((class, instance)) = sampled else { return Ok(None) };
        self.balance.count(&class);
        self.plan.compute(&self.block.position, &self.specification, &mut self.workspace)?;
        let mut record = Vec::new();
        write_record(&mut record, &self.block.features, &class, &instance, &self.plan)?;
        Ok(Some(record))
    }

    /// Fills `self.block` under the live protocol; returns its labels.
    fn draw_live(&mut self, pool: &rayon::ThreadPool) -> Result<Option<BlockLabels>, FeedError> {
        // The reservoir fills while it is drawn from: the first blocks do not wait for all rooms.
        if self.rooms.len() < ROOMS_AT_HAND {
            let Some(room) = self.take_room(pool)? else { return Ok(None) };
            self.rooms.push(room);
        }
        let chosen = self.random.random_range(0..self.rooms.len());
        let drawn = self.rooms[chosen].drawn;
        if drawn >= self.options.blocks_per_room {
            let Some(room) = self.take_room(pool)? else { return Ok(None) };
            self.rooms[chosen] = room;
        } else if drawn > 0 && drawn.is_multiple_of(BLOCKS_PER_COPY) {
            // A copy that lost too many points to fill a block is passed over: the old one serves on.
            let original = Arc::clone(&self.rooms[chosen].original);
            if let Some(copy) = self.copy(&original)? {
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
        Ok(Some(labels(room, &self.block.index)))
    }

    /// The next room that holds a block; `None` after the last.
    fn take_room(&mut self, pool: &rayon::ThreadPool) -> Result<Option<Room>, FeedError> {
        for _ in 0..self.source.patience() {
            let Some(original) = self.next_original(pool, None)? else { return Ok(None) };
            if let Some(copy) = self.copy(&original)? {
                return Ok(Some(Room { original, copy, drawn: 0 }));
            }
        }
        Err(FeedError::NoBlock { rooms: self.source.patience() })
    }

    fn next_original(
        &mut self,
        pool: &rayon::ThreadPool,
        epochs: Option<u64>,
    ) -> Result<Option<Arc<LabelledCloud>>, FeedError> {
        let (index, FeedOptions { seed, split, .. }) = (self.next_room, *self.options);
        self.next_room += LANES;
        pool.install(|| self.source.room(index, seed, split, epochs))
    }

    /// `None` if no window of the copy holds enough points.
    fn copy(&mut self, original: &LabelledCloud) -> Result<Option<Copy>, FeedError> {
        let random = &mut self.random;
        let mut room = match self.options.split {
            Split::Training => {
                let mixing = &self.options.mixing;
                let is_mixed = !self.rooms.is_empty() && random.random_bool(mixing.share.clamp(0.0, 1.0));
                let mixed = is_mixed.then(|| {
                    let other = &self.rooms[random.random_range(0..self.rooms.len())].original;
                    mix(original, other, mixing, &self.balance, random)
                });
                augment(mixed.as_ref().unwrap_or(original), &self.options.augmentation, random)
            }
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
        Ok(WindowChoice::new(&room, windows, windowing).map(|windows| Copy { room, extent, windows }))
    }

    /// Fills `self.block` with one of the published blocks, sampled anew; returns its labels.
    ///
    /// Every block of a room comes once an epoch, in random order among the rooms at hand.
    fn draw_published(&mut self, pool: &rayon::ThreadPool) -> Result<Option<BlockLabels>, FeedError> {
        while !self.is_over && self.published.len() < ROOMS_AT_HAND {
            self.take_published(pool)?;
        }
        let remaining: usize = self.published.iter().map(|room| room.remaining.len()).sum();
        if remaining == 0 {
            return Ok(None);
        }
        let mut drawn = self.random.random_range(0..remaining);
        let mut chosen = 0;
        while drawn >= self.published[chosen].remaining.len() {
            drawn -= self.published[chosen].remaining.len();
            chosen += 1;
        }
        let PublishedRoom { room, blocks, remaining } = &mut self.published[chosen];
        let window = remaining.swap_remove(drawn);
        let mut sample = Vec::new();
        blocks.draw(&window, &mut self.random, &mut sample);
        blocks.block(&room.cloud, &window, &sample, &mut self.block)?;
        let labels = labels(room, &sample);
        if remaining.is_empty() {
            self.published.swap_remove(chosen);
        }
        Ok(Some(labels))
    }

    /// Adds a room to `self.published`, or notes that there are no more.
    fn take_published(&mut self, pool: &rayon::ThreadPool) -> Result<(), FeedError> {
        // ASIS trains on blocks side by side, and tests on overlapping ones.
        let stride = match self.options.split {
            Split::Training => 1.0,
            Split::Validation => 0.5,
        };
        let windowing = Windowing { points: self.options.points, stride, ..Windowing::default() };
        for _ in 0..self.source.patience() {
            let Some(original) = self.next_original(pool, self.options.epochs)? else {
                self.is_over = true;
                return Ok(());
            };
            let mut room = LabelledCloud::clone(&original);
            shift_to_origin(&mut room.cloud);
            match ReferenceRoom::new(&room.cloud, windowing) {
                Ok(blocks) => {
                    let remaining = blocks.kept().cloned().collect();
                    self.published.push(PublishedRoom { room, blocks, remaining });
                    return Ok(());
                }
                // The seeds' script crashes here; one narrow room is no reason to end a training.
                Err(error @ BlockError::NoWindow { .. }) => log::warn!("a room is left out: {error}"),
                Err(error) => return Err(error.into()),
            }
        }
        Err(FeedError::NoBlock { rooms: self.source.patience() })
    }
}

fn labels(room: &LabelledCloud, sample: &[u32]) -> BlockLabels {
    let sampled = sample.iter().map(|&point| point as usize);
    (sampled.clone().map(|point| room.class[point]).collect(), sampled.map(|point| room.instance[point]).collect())
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
