//! The voxel grid itself: insertion, forgetting, lookup.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use nalgebra::{Isometry3, Vector3};

use super::ClassVotes;
use crate::cloud::{Cloud, NO_INSTANCE};

/// Marks a point that has no voxel: invalid, out of range, or beyond the map's bound.
pub const NO_VOXEL: u32 = u32::MAX;

/// Coordinates of a voxel in units of the voxel size.
type VoxelKey = [i32; 3];

/// Farthest coordinate from the fixed frame's origin that the map takes, in metres: beyond it
/// neither `f32` coordinates nor `i32` voxel numbers are exact enough.
const FARTHEST: f64 = 10_000.0;

/// Colour of a point in a coloured map when its own frame had none (the network's "no colour").
const GREY: [u8; 3] = [128; 3];

/// Size and bounds of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapOptions {
    /// Edge of a voxel in metres.
    pub voxel: f32,
    /// Voxels farther than this from the robot, measured in the horizontal plane, are forgotten (m).
    pub radius: f32,
    /// Voxels not seen for this long are forgotten (s).
    pub maximum_age: f64,
    /// Most voxels that the map holds; points beyond it are counted and left out.
    pub maximum_voxels: usize,
}

/// What became of the points of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insertion {
    /// Points that have a voxel now.
    pub inserted: usize,
    /// Voxels that did not exist before.
    pub created: usize,
    /// Points that carry no usable coordinates.
    pub invalid: usize,
    /// Points left out because the map was full.
    pub overflow: usize,
}

/// The rolling map.
#[derive(Debug)]
pub struct VoxelMap {
    options: MapOptions,
    lookup: HashMap<VoxelKey, u32, BuildHasherDefault<KeyHasher>>,
    key: Vec<VoxelKey>,
    cloud: Cloud,
    range: Vec<f32>,
    seen: Vec<i64>,
    instance: Vec<u32>,
    votes: ClassVotes,
    /// Colour buffer of a map that has none now.
    spare_colour: Vec<[u8; 3]>,
    /// How often voxels changed their numbers.
    revision: u64,
}

impl VoxelMap {
    /// An empty map whose voxels vote on `classes` classes.
    pub fn new(options: MapOptions, classes: usize) -> Self {
        Self {
            options,
            lookup: HashMap::default(),
            key: Vec::new(),
            cloud: Cloud::default(),
            range: Vec::new(),
            seen: Vec::new(),
            instance: Vec::new(),
            votes: ClassVotes::new(classes),
            spare_colour: Vec::new(),
            revision: 0,
        }
    }

    /// Number of occupied voxels.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// One measured point per voxel, in the fixed frame (metres).
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Instance of each voxel, [`NO_INSTANCE`] where none is known.
    pub fn instance(&self) -> &[u32] {
        &self.instance
    }

    /// Writes the instance of one voxel.
    pub fn set_instance(&mut self, voxel: u32, instance: u32) {
        self.instance[voxel as usize] = instance;
    }

    /// Forgets what was said of a voxel: class votes and instance.
    pub fn forget_labels(&mut self, voxel: u32) {
        self.instance[voxel as usize] = NO_INSTANCE;
        self.votes.forget(voxel);
    }

    /// The voxel that a position (fixed frame, metres) lies in, if it is occupied.
    pub fn find(&self, position: [f32; 3]) -> Option<u32> {
        self.lookup.get(&self.key_of(position)).copied()
    }

    /// Changes whenever voxels that stay may have changed their numbers. (New voxels get new numbers.)
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn key_of(&self, position: [f32; 3]) -> VoxelKey {
        position.map(|value| {
            // Rounded down, without the call that a floor is where the compiler may not assume the instruction.
            let quotient = value / self.options.voxel;
            let toward_zero = quotient as i32;
            toward_zero - i32::from(toward_zero as f32 > quotient)
        })
    }

    /// Class votes of each voxel.
    pub fn votes(&self) -> &ClassVotes {
        &self.votes
    }

    /// Class votes of each voxel, to add to.
    pub fn votes_mut(&mut self) -> &mut ClassVotes {
        &mut self.votes
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lookup.clear();
        self.key.clear();
        self.cloud.position.clear();
        if let Some(mut colour) = self.cloud.colour.take() {
            colour.clear();
            self.spare_colour = colour;
        }
        self.revision += 1;
        self.range.clear();
        self.seen.clear();
        self.instance.clear();
        self.votes.clear();
    }

    /// Puts a frame into the map and says which voxel each of its points fell into.
    ///
    /// `pose` takes the frame's points into the fixed frame; `stamp` is in nanoseconds. A point is
    /// taken where `valid` says so. `voxel_of_point` gets one entry a point, [`NO_VOXEL`] for those
    /// left out. Work: one hash look-up a point.
    pub fn insert(
        &mut self,
        frame: &Cloud,
        valid: impl Fn(usize) -> bool,
        pose: &Isometry3<f64>,
        stamp: i64,
        voxel_of_point: &mut Vec<u32>,
    ) -> Insertion {
        let mut report = Insertion::default();
        voxel_of_point.clear();
        if frame.colour.is_some() && self.cloud.colour.is_none() {
            let mut colour = std::mem::take(&mut self.spare_colour);
            colour.resize(self.len(), GREY);
            self.cloud.colour = Some(colour);
        }
        let (origin, rotation) = (pose.translation.vector, pose.rotation.to_rotation_matrix());
        // Neighbours in an image often share a voxel: the last one is tried before the table.
        let mut last: Option<(VoxelKey, u32)> = None;
        for (point, &[x, y, z]) in frame.position.iter().enumerate() {
            let seen = rotation * Vector3::new(f64::from(x), f64::from(y), f64::from(z));
            let position = origin + seen;
            let usable = valid(point) && position.iter().all(|value| value.abs() < FARTHEST);
            if !usable {
                report.invalid += 1;
                voxel_of_point.push(NO_VOXEL);
                continue;
            }
            let range = seen.norm() as f32;
            let position = [position.x as f32, position.y as f32, position.z as f32];
            let colour = frame.colour.as_ref().map_or(GREY, |colour| colour[point]);
            let key = self.key_of(position);
            let known = last.filter(|last| last.0 == key).map(|last| last.1).or_else(|| self.lookup.get(&key).copied());
            let voxel = match known {
                Some(voxel) => self.see_again(voxel, position, colour, range, stamp),
                None => self.create(key, position, colour, range, stamp, &mut report),
            };
            last = Some((key, voxel)).filter(|_| voxel != NO_VOXEL);
            report.inserted += usize::from(voxel != NO_VOXEL);
            voxel_of_point.push(voxel);
        }
        report
    }

    fn see_again(&mut self, voxel: u32, position: [f32; 3], colour: [u8; 3], range: f32, stamp: i64) -> u32 {
        let slot = voxel as usize;
        self.seen[slot] = stamp;
        if range < self.range[slot] {
            self.range[slot] = range;
            self.cloud.position[slot] = position;
            if let Some(colours) = &mut self.cloud.colour {
                colours[slot] = colour;
            }
        }
        voxel
    }

    fn create(
        &mut self,
        key: VoxelKey,
        position: [f32; 3],
        colour: [u8; 3],
        range: f32,
        stamp: i64,
        report: &mut Insertion,
    ) -> u32 {
        if self.len() >= self.options.maximum_voxels.min(NO_VOXEL as usize) {
            report.overflow += 1;
            return NO_VOXEL;
        }
        let voxel = self.len() as u32;
        self.lookup.insert(key, voxel);
        self.key.push(key);
        self.cloud.position.push(position);
        if let Some(colours) = &mut self.cloud.colour {
            colours.push(colour);
        }
        self.range.push(range);
        self.seen.push(stamp);
        self.instance.push(NO_INSTANCE);
        self.votes.push();
        report.created += 1;
        voxel
    }

    /// Forgets what is too far from `robot` (fixed frame, metres) or too old at `stamp` (ns).
    /// Returns how many voxels went. Work: one look at every voxel.
    pub fn forget(&mut self, robot: [f32; 2], stamp: i64) -> usize {
        let before = self.len();
        let oldest = stamp.saturating_sub((self.options.maximum_age * 1e9) as i64);
        let radius_squared = self.options.radius * self.options.radius;
        let mut voxel = 0;
        while voxel < self.len() {
            let [x, y, _] = self.cloud.position[voxel];
            let (dx, dy) = (x - robot[0], y - robot[1]);
            if dx * dx + dy * dy > radius_squared || self.seen[voxel] < oldest {
                self.remove(voxel);
            } else {
                voxel += 1;
            }
        }
        let gone = before - self.len();
        self.revision += u64::from(gone > 0);
        gone
    }

    fn remove(&mut self, voxel: usize) {
        self.lookup.remove(&self.key[voxel]);
        self.key.swap_remove(voxel);
        self.cloud.position.swap_remove(voxel);
        if let Some(colours) = &mut self.cloud.colour {
            colours.swap_remove(voxel);
        }
        self.range.swap_remove(voxel);
        self.seen.swap_remove(voxel);
        self.instance.swap_remove(voxel);
        self.votes.swap_remove(voxel);
        if let Some(&moved) = self.key.get(voxel) {
            self.lookup.insert(moved, voxel as u32);
        }
    }
}

/// Mixes three voxel coordinates; std's default hasher is made to resist attackers, not for speed.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        // The table takes its bucket from the low bits and its tag from the high ones: mix both.
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u32(u32::from_ne_bytes(word));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(value)).wrapping_mul(0x51_7C_C1_B7_27_22_0A_95);
    }

    fn write_i32(&mut self, value: i32) {
        self.write_u32(value as u32);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u32(value as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> MapOptions {
        MapOptions { voxel: 0.1, radius: 5.0, maximum_age: 10.0, maximum_voxels: 100 }
    }

    fn frame(position: Vec<[f32; 3]>) -> Cloud {
        Cloud { position, colour: None }
    }

    fn insert(map: &mut VoxelMap, position: Vec<[f32; 3]>, stamp: i64) -> (Insertion, Vec<u32>) {
        let mut voxels = Vec::new();
        let cloud = frame(position);
        let valid = |point: usize| cloud.position[point].iter().all(|value| value.is_finite());
        let report = map.insert(&cloud, valid, &Isometry3::identity(), stamp, &mut voxels);
        (report, voxels)
    }

    #[test]
    fn points_of_one_voxel_share_it_and_the_closest_one_stays() {
        let mut map = VoxelMap::new(options(), 13);
        let (report, voxels) = insert(&mut map, vec![[1.05, 0.02, 0.0], [1.01, 0.02, 0.0], [-0.01, 0.0, 0.0]], 0);
        assert_eq!(voxels, [0, 0, 1]);
        assert_eq!(report, Insertion { inserted: 3, created: 2, invalid: 0, overflow: 0 });
        assert_eq!(map.cloud().position[0], [1.01, 0.02, 0.0]);
    }

    #[test]
    fn unusable_points_keep_their_place_without_a_voxel() {
        let mut map = VoxelMap::new(options(), 13);
        let (report, voxels) =
            insert(&mut map, vec![[f32::NAN, 0.0, 0.0], [1e30, 0.0, 0.0], [0.0, 0.0, f32::INFINITY]], 0);
        assert_eq!(voxels, [NO_VOXEL; 3]);
        assert_eq!(report.invalid, 3);
        assert!(map.is_empty());
    }

    #[test]
    fn a_full_map_counts_what_it_leaves_out() {
        let mut map = VoxelMap::new(options(), 13);
        let (report, _) = insert(&mut map, (0..150).map(|i| [i as f32 * 0.01 * 10.5, 0.0, 0.0]).collect(), 0);
        assert_eq!((map.len(), report.overflow), (100, 50));
    }

    #[test]
    fn far_and_old_voxels_are_forgotten_and_the_rest_is_still_found() {
        let mut map = VoxelMap::new(options(), 13);
        insert(&mut map, vec![[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]], 0);
        insert(&mut map, vec![[1.0, 0.0, 0.0], [0.5, 0.0, 0.0]], 8_000_000_000);
        assert_eq!(map.forget([-2.0, 0.0], 9_000_000_000), 1, "4 m is 6 m from the robot");
        assert_eq!(map.forget([0.0, 0.0], 11_000_000_000), 1, "the first is 11 s old");
        let (report, voxels) = insert(&mut map, vec![[1.0, 0.0, 0.0], [0.5, 0.0, 0.0]], 11_000_000_000);
        assert_eq!(report.created, 0);
        let found: Vec<f32> = voxels.iter().map(|&voxel| map.cloud().position[voxel as usize][0]).collect();
        assert_eq!(found, [1.0, 0.5]);
    }

    #[test]
    fn colour_arrives_late_without_losing_what_was_there() {
        let mut map = VoxelMap::new(options(), 13);
        insert(&mut map, vec![[0.0; 3]], 0);
        let coloured = Cloud { position: vec![[1.0, 0.0, 0.0]], colour: Some(vec![[1, 2, 3]]) };
        map.insert(&coloured, |_| true, &Isometry3::identity(), 1, &mut Vec::new());
        assert_eq!(map.cloud().colour, Some(vec![GREY, [1, 2, 3]]));
    }
}
