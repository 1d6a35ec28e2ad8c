//! Windows and samples exactly as the seeds' test code makes them, quirks included.
//!
//! Source: `room2blocks_plus_normalized` and `sample_data_label` in `indoor3d_util.py`
//! (WXinlong/ASIS, dlinzhao/JSNet); `design/networks.md` §4. The quirks:
//!
//! * windows are visited in boustrophedon order: every other column backwards in y;
//! * both ends of a window belong to it;
//! * windows with fewer than 100 points are dropped, and their points get no prediction;
//! * a fuller window is sampled **with** replacement: some points twice, many never;
//! * the room must start at the origin ([`shift_to_origin`]); points at negative x or y are in no
//!   window.
//!
//! Where the reference script crashes (no points, no window, NaN) a [`BlockError`] says why.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Block, BlockError, Extent, WindowKey, Windowing, write_features};
use crate::cloud::Cloud;

/// Most windows that are listed; a room of 1 km × 250 m at a stride of 0.5 m.
pub const MAXIMUM_WINDOWS: usize = 1 << 20;

/// One window, kept or not.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceWindow {
    /// Corner with the smallest x and y, metres.
    pub origin: [f64; 2],
    /// Points inside, both ends included.
    pub points: usize,
    /// Its points in [`ReferenceRoom::candidates`]; empty if the window was dropped.
    range: Range<usize>,
    /// Whether it holds enough points to become a block.
    pub kept: bool,
}

/// All windows of a room, in the order in which the reference visits them.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceRoom {
    windowing: Windowing,
    /// Zero, and the largest coordinates of the room.
    pub extent: Extent,
    /// Every window, dropped ones included.
    pub windows: Vec<ReferenceWindow>,
    candidates: Vec<u32>,
}

/// Moves a room so that its smallest finite x, y and z are zero, as the seeds do when they write
/// a room's `.npy`. Returns what was subtracted; zero for a room without finite points.
pub fn shift_to_origin(cloud: &mut Cloud) -> [f32; 3] {
    let Some(Extent { minimum, .. }) = Extent::of(&cloud.position) else { return [0.0; 3] };
    for point in &mut cloud.position {
        for axis in 0..3 {
            point[axis] -= minimum[axis];
        }
    }
    minimum
}

impl ReferenceRoom {
    /// Lists the windows of a room and the points inside each.
    ///
    /// Work: windows along x × points.
    ///
    /// # Errors
    /// A windowing that cannot be meant; a room that is empty, not finite, or too wide to list; a
    /// room in which no window is kept, where the reference script crashes.
    pub fn new(cloud: &Cloud, windowing: Windowing) -> Result<Self, BlockError> {
        windowing.check()?;
        let maximum = limits(cloud)?;
        let extent = Extent { minimum: [0.0; 3], maximum };
        let (size, stride) = (f64::from(windowing.size), f64::from(windowing.stride));
        // Written as in the reference: also ≤ 0 for a room narrower than size − stride.
        let along = |limit: f32| ((f64::from(limit) - size) / stride).ceil() + 1.0;
        let (across_x, across_y) = (along(maximum[0]).max(0.0), along(maximum[1]).max(0.0));
        if across_x * across_y > MAXIMUM_WINDOWS as f64 || across_x.max(across_y) > MAXIMUM_WINDOWS as f64 {
            return Err(BlockError::TooManyWindows {
                limit_x: maximum[0].into(),
                limit_y: maximum[1].into(),
                maximum: MAXIMUM_WINDOWS,
            });
        }
        let (across_x, across_y) = (across_x as usize, across_y as usize);

        let mut room = Self { windowing, extent, windows: Vec::new(), candidates: Vec::new() };
        let mut column = Vec::new();
        for i in 0..across_x {
            let x = i as f64 * stride;
            column.clear();
            column.extend((0..cloud.len() as u32).filter(|&point| inside(cloud.position[point as usize][0], x, size)));
            for step in 0..across_y {
                let j = if i % 2 == 0 { step } else { across_y - 1 - step };
                room.visit([x, j as f64 * stride], &column, cloud);
            }
        }
        if room.windows.iter().any(|window| window.kept) {
            return Ok(room);
        }
        Err(BlockError::NoWindow {
            windows: room.windows.len(),
            fullest: room.windows.iter().map(|window| window.points).max().unwrap_or(0),
            minimum_points: windowing.minimum_points,
        })
    }

    fn visit(&mut self, origin: [f64; 2], column: &[u32], cloud: &Cloud) {
        let size = f64::from(self.windowing.size);
        let start = self.candidates.len();
        self.candidates
            .extend(column.iter().filter(|&&point| inside(cloud.position[point as usize][1], origin[1], size)));
        let points = self.candidates.len() - start;
        let kept = points >= self.windowing.minimum_points && points > 0;
        if !kept {
            self.candidates.truncate(start);
        }
        self.windows.push(ReferenceWindow { origin, points, range: start..self.candidates.len(), kept });
    }

    /// Indices of the points inside a window, in room order; empty if the window was dropped.
    pub fn candidates(&self, window: &ReferenceWindow) -> &[u32] {
        &self.candidates[window.range.clone()]
    }

    /// The windows that become blocks.
    pub fn kept(&self) -> impl Iterator<Item = &ReferenceWindow> {
        self.windows.iter().filter(|window| window.kept)
    }

    /// A generator for [`draw`](Self::draw); the same on every machine. (NumPy's numbers cannot be
    /// had again: the reference never seeds its generator.)
    pub fn generator(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    /// Draws a block's points as `sample_data_label` does: exactly enough → all in order; too many
    /// → with replacement; too few → all, then random repeats.
    pub fn draw(&self, window: &ReferenceWindow, generator: &mut ChaCha8Rng, sample: &mut Vec<u32>) {
        let candidates = self.candidates(window);
        sample.clear();
        if candidates.is_empty() {
            return;
        }
        if candidates.len() <= self.windowing.points {
            sample.extend_from_slice(candidates);
        }
        while sample.len() < self.windowing.points {
            sample.push(candidates[generator.random_range(0..candidates.len() as u32) as usize]);
        }
    }

    /// Turns drawn points (indices into the room) into a block.
    ///
    /// # Errors
    /// [`BlockError::Index`] for an index beyond the room; a colour column that does not fit.
    pub fn block(
        &self,
        cloud: &Cloud,
        window: &ReferenceWindow,
        sample: &[u32],
        block: &mut Block,
    ) -> Result<(), BlockError> {
        let stride = f64::from(self.windowing.stride);
        let [x, y] = window.origin.map(|origin| (origin / stride).round() as i32);
        block.key = WindowKey { x, y };
        block.index.clear();
        block.index.extend_from_slice(sample);
        block.distinct = sample.len();
        write_features(cloud, sample, &self.extent, self.windowing.size, &mut block.features, &mut block.position)
    }
}

fn inside(value: f32, start: f64, size: f64) -> bool {
    let value = f64::from(value);
    value >= start && value <= start + size
}

fn limits(cloud: &Cloud) -> Result<[f32; 3], BlockError> {
    if cloud.is_empty() {
        return Err(BlockError::EmptyRoom);
    }
    if cloud.len() > u32::MAX as usize {
        return Err(BlockError::TooManyPoints { points: cloud.len(), maximum: u32::MAX as usize });
    }
    let mut maximum = [f32::NEG_INFINITY; 3];
    for (index, &position) in cloud.position.iter().enumerate() {
        for axis in 0..3 {
            if !position[axis].is_finite() {
                return Err(BlockError::NonFinite { index, position });
            }
            maximum[axis] = maximum[axis].max(position[axis]);
        }
    }
    Ok(maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: usize, depth: usize, step: f32) -> Cloud {
        let position =
            (0..width * depth).map(|i| [(i % width) as f32 * step, (i / width) as f32 * step, 0.0]).collect();
        Cloud { position, colour: None }
    }

    #[test]
    fn order_is_boustrophedon_and_ends_are_inside() {
        let room = ReferenceRoom::new(&grid(33, 25, 0.0625), Windowing::default()).unwrap(); // 2 m × 1.5 m
        let origins: Vec<[f64; 2]> = room.windows.iter().map(|window| window.origin).collect();
        assert_eq!(origins, [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 0.0], [1.0, 0.0], [1.0, 0.5]]);
        assert!(room.windows.iter().all(|window| window.points == 17 * 17));
    }

    #[test]
    fn what_crashes_the_reference_is_a_typed_error() {
        let windowing = Windowing::default();
        let error = |cloud: &Cloud| ReferenceRoom::new(cloud, windowing).unwrap_err();
        assert_eq!(error(&Cloud::default()), BlockError::EmptyRoom);
        // Below 0.5 m the window count is ceil(−1.x) + 1 = 0.
        assert_eq!(error(&grid(10, 30, 0.05)), BlockError::NoWindow { windows: 0, fullest: 0, minimum_points: 100 });
        assert_eq!(error(&grid(9, 11, 0.1)), BlockError::NoWindow { windows: 1, fullest: 99, minimum_points: 100 });
        let mut broken = grid(30, 30, 0.1);
        broken.position[7][1] = f32::NAN;
        assert!(matches!(error(&broken), BlockError::NonFinite { index: 7, .. }));
        broken.position[7][1] = 1.0e30;
        assert!(matches!(error(&broken), BlockError::TooManyWindows { .. }));
        let wide = Cloud { position: vec![[1.0e6, 0.1, 0.0]; 300], colour: None };
        assert!(matches!(error(&wide), BlockError::TooManyWindows { .. } | BlockError::NoWindow { .. }));
        let settings = Windowing { stride: 0.0, ..windowing };
        assert!(matches!(ReferenceRoom::new(&grid(30, 30, 0.1), settings), Err(BlockError::Windowing { .. })));
    }

    #[test]
    fn drawing_follows_the_three_cases() {
        let cloud = grid(16, 16, 0.05);
        for points in [100, 256, 1000] {
            let room = ReferenceRoom::new(&cloud, Windowing { points, ..Windowing::default() }).unwrap();
            let window = room.kept().next().unwrap();
            let (mut first, mut second) = (Vec::new(), Vec::new());
            room.draw(window, &mut ReferenceRoom::generator(3), &mut first);
            room.draw(window, &mut ReferenceRoom::generator(3), &mut second);
            assert_eq!(first, second);
            assert_eq!(first.len(), points);
            if points >= 256 {
                assert_eq!(first[..256], (0..256).collect::<Vec<u32>>());
            } else {
                let mut distinct = first.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert!(distinct.len() < points, "with replacement, repeats are all but certain");
            }
            let mut block = Block::default();
            room.block(&cloud, window, &first, &mut block).unwrap();
            assert_eq!(block.position.len(), points);
        }
    }

    #[test]
    fn shifting_starts_the_room_at_zero() {
        let mut cloud = grid(20, 20, 0.1);
        for point in &mut cloud.position {
            *point = [point[0] - 5.0, point[1] + 3.0, point[2] - 1.0];
        }
        assert_eq!(shift_to_origin(&mut cloud), [-5.0, 3.0, -1.0]);
        assert_eq!(Extent::of(&cloud.position).unwrap().minimum, [0.0; 3]);
        assert_eq!(shift_to_origin(&mut Cloud::default()), [0.0; 3]);
    }
}
