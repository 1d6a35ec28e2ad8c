//! The voxel grid itself: insertion, forgetting, lookup.

use nalgebra::{Isometry3, Rotation3, Vector3};

use super::ClassVotes;
use super::voxel_table::{Slot, VoxelKey, VoxelTable, voxel_key};
use crate::cloud::{Cloud, NO_INSTANCE};

/// Marks a point that has no voxel: invalid, out of range, or beyond the map's bound.
pub const NO_VOXEL: u32 = u32::MAX;

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

/// Points that are looked up together: their memory is on its way at the same time.
const AT_ONCE: usize = 64;

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
    lookup: VoxelTable,
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
            lookup: VoxelTable::default(),
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

    /// Writes the instance of one voxel and gives back the one that it had.
    pub fn set_instance(&mut self, voxel: u32, instance: u32) -> u32 {
        std::mem::replace(&mut self.instance[voxel as usize], instance)
    }

    /// Forgets what was said of a voxel, class votes and instance, and gives back the instance that it had.
    pub fn forget_labels(&mut self, voxel: u32) -> u32 {
        self.votes.forget(voxel);
        self.set_instance(voxel, NO_INSTANCE)
    }

    /// The voxel that a position (fixed frame, metres) lies in, if it is occupied.
    pub fn find(&self, position: [f32; 3]) -> Option<u32> {
        self.lookup.get(self.key_of(position))
    }

    /// Changes whenever voxels that stay may have changed their numbers. (New voxels get new numbers.)
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn key_of(&self, position: [f32; 3]) -> VoxelKey {
        voxel_key(position, self.options.voxel)
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
    /// left out. Work: one look-up a point.
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
        voxel_of_point.reserve(frame.position.len());
        if frame.colour.is_some() && self.cloud.colour.is_none() {
            let mut colour = std::mem::take(&mut self.spare_colour);
            colour.resize(self.len(), GREY);
            self.cloud.colour = Some(colour);
        }
        // A colour for every point, or a panic here rather than at a point that happens to need one.
        let colours = frame.colour.as_ref().map(|colours| &colours[..frame.position.len()]);
        let placing = Placing::new(pose, self.options.voxel);
        let mut placed = [Placed::default(); AT_ONCE];
        let mut slots = [Slot::FREE; AT_ONCE];
        // Neighbours in an image often share a voxel: the last one is tried before the table.
        let mut last: Option<(VoxelKey, u32)> = None;
        for (chunk, points) in frame.position.chunks(AT_ONCE).enumerate() {
            for (placed, &point) in placed.iter_mut().zip(points) {
                *placed = placing.place(point);
            }
            for (slot, placed) in slots.iter_mut().zip(&placed) {
                *slot = self.lookup.slot(self.lookup.home(placed.key));
            }
            for (at, (placed, slot)) in placed.iter().zip(&slots).take(points.len()).enumerate() {
                let point = chunk * AT_ONCE + at;
                if !placed.is_usable || !valid(point) {
                    report.invalid += 1;
                    voxel_of_point.push(NO_VOXEL);
                    continue;
                }
                let known = match last {
                    Some((key, voxel)) if key == placed.key => Some(voxel),
                    // A slot that was read before its voxel was made does not name it: then the table is asked.
                    _ => slot.voxel_at(placed.key).or_else(|| self.lookup.get(placed.key)),
                };
                let colour = || colours.map_or(GREY, |colours| colours[point]);
                let voxel = match known {
                    Some(voxel) => self.see_again(voxel, placed, colour, stamp),
                    None => self.create(placed, colour(), stamp, &mut report),
                };
                last = Some((placed.key, voxel)).filter(|_| voxel != NO_VOXEL);
                report.inserted += usize::from(voxel != NO_VOXEL);
                voxel_of_point.push(voxel);
            }
        }
        report
    }

    fn see_again(&mut self, voxel: u32, placed: &Placed, colour: impl Fn() -> [u8; 3], stamp: i64) -> u32 {
        let slot = voxel as usize;
        self.seen[slot] = stamp;
        if placed.range < self.range[slot] {
            self.range[slot] = placed.range;
            self.cloud.position[slot] = placed.position;
            if let Some(colours) = &mut self.cloud.colour {
                colours[slot] = colour();
            }
        }
        voxel
    }

    fn create(&mut self, placed: &Placed, colour: [u8; 3], stamp: i64, report: &mut Insertion) -> u32 {
        if self.len() >= self.options.maximum_voxels.min(NO_VOXEL as usize) {
            report.overflow += 1;
            return NO_VOXEL;
        }
        let voxel = self.len() as u32;
        self.lookup.insert(placed.key, voxel);
        self.key.push(placed.key);
        self.cloud.position.push(placed.position);
        if let Some(colours) = &mut self.cloud.colour {
            colours.push(colour);
        }
        self.range.push(placed.range);
        self.seen.push(stamp);
        self.instance.push(NO_INSTANCE);
        self.votes.push();
        report.created += 1;
        voxel
    }

    /// Forgets what is too far from `robot` (fixed frame, metres) or too old at `stamp` (ns). `gone` is told the
    /// instance of each voxel that went. Returns how many did. Work: one look at every voxel.
    pub fn forget(&mut self, robot: [f32; 2], stamp: i64, mut gone: impl FnMut(u32)) -> usize {
        let before = self.len();
        let oldest = stamp.saturating_sub((self.options.maximum_age * 1e9) as i64);
        let radius_squared = self.options.radius * self.options.radius;
        let mut voxel = 0;
        while voxel < self.len() {
            let [x, y, _] = self.cloud.position[voxel];
            let (dx, dy) = (x - robot[0], y - robot[1]);
            if dx * dx + dy * dy > radius_squared || self.seen[voxel] < oldest {
                gone(self.instance[voxel]);
                self.remove(voxel);
            } else {
                voxel += 1;
            }
        }
        let count = before - self.len();
        self.revision += u64::from(count > 0);
        count
    }

    fn remove(&mut self, voxel: usize) {
        self.lookup.remove(self.key[voxel]);
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

/// A point in the fixed frame.
#[derive(Clone, Copy, Debug, Default)]
struct Placed {
    position: [f32; 3],
    /// Distance from the sensor (m).
    range: f32,
    key: VoxelKey,
    is_usable: bool,
}

/// Takes points into the fixed frame.
struct Placing {
    origin: Vector3<f64>,
    rotation: Rotation3<f64>,
    voxel: f32,
}

impl Placing {
    fn new(pose: &Isometry3<f64>, voxel: f32) -> Self {
        Self { origin: pose.translation.vector, rotation: pose.rotation.to_rotation_matrix(), voxel }
    }

    #[inline(always)]
    fn place(&self, [x, y, z]: [f32; 3]) -> Placed {
        let seen = self.rotation * Vector3::new(f64::from(x), f64::from(y), f64::from(z));
        let exact = self.origin + seen;
        let position = [exact.x as f32, exact.y as f32, exact.z as f32];
        // False for what is no number.
        let is_usable = (exact.x.abs() < FARTHEST) & (exact.y.abs() < FARTHEST) & (exact.z.abs() < FARTHEST);
        Placed { position, range: seen.norm() as f32, key: voxel_key(position, self.voxel), is_usable }
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
        assert_eq!(map.forget([-2.0, 0.0], 9_000_000_000, drop), 1, "4 m is 6 m from the robot");
        assert_eq!(map.forget([0.0, 0.0], 11_000_000_000, drop), 1, "the first is 11 s old");
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
