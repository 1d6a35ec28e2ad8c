//! Block merging as the seeds' test code does it, quirks included (`BlockMerging` of SGPN, used by
//! ASIS and JSNet; `design/networks.md` §6). For parity and for the seeds' tables; the robot uses
//! [`LiveMerger`](super::LiveMerger).
//!
//! The quirks, all kept:
//! * voxels are 1/200 of the room's extent an axis, whatever the room's size;
//! * a cluster with fewer than 30 points and fewer than 7 shared points takes the argmax of its
//!   overlaps, and where there are none that is instance 0, whatever its class;
//! * overlaps with instance 300 and above are not counted, so that such instances are never continued;
//! * points without a cluster (−1) are counted for cluster 99, because −1 indexes from the end;
//! * negative coordinates index the volume from its end;
//! * the first writer of a voxel wins for good.

/// Clusters a block may have; more are the reference's `IndexError` (ASIS issue 44).
const MAX_CLUSTERS: usize = 100;
/// Instances whose overlap is counted.
const COUNTED_INSTANCES: usize = 300;
/// Voxels along an axis.
const SIDE: usize = 201;
/// Shared points from which a cluster continues an instance.
const MIN_OVERLAP: u32 = 7;
/// Above this count (which starts at 1) a cluster may found an instance.
const MIN_COUNT: u32 = 30;

/// Points in room-normalised coordinates (0..=1), in the precision of the seeds' data path: the
/// index of a voxel is computed in it, so that points on a border may differ.
#[derive(Clone, Copy, Debug)]
pub enum RoomPoints<'a> {
    /// `.npy` rooms (ASIS).
    Double(&'a [[f64; 3]]),
    /// HDF5 blocks (JSNet).
    Single(&'a [[f32; 3]]),
}

impl RoomPoints<'_> {
    /// Number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::Double(points) => points.len(),
            Self::Single(points) => points.len(),
        }
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Voxel of a coordinate, truncated towards zero; `None` for NaN.
    fn voxel(&self, point: usize, axis: usize, gap: f64) -> Option<i32> {
        match self {
            Self::Double(points) => {
                let scaled = points[point][axis] / gap;
                (!scaled.is_nan()).then_some(scaled as i32)
            }
            Self::Single(points) => {
                let scaled = points[point][axis] / gap as f32;
                (!scaled.is_nan()).then_some(scaled as i32)
            }
        }
    }
}

/// Where the reference's code would have raised.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceMergeError {
    /// Columns of different length.
    #[error("block merging: {points} points, but {actual} {what}")]
    Length {
        /// Which column.
        what: &'static str,
        /// Points in the block.
        points: usize,
        /// Entries in the column.
        actual: usize,
    },
    /// The reference's table has 100 rows.
    #[error("block merging: point {point} is in cluster {cluster}; the reference's table ends at {max}", max = MAX_CLUSTERS - 1)]
    Cluster {
        /// Index of the point in the block.
        point: usize,
        /// Its cluster.
        cluster: i32,
    },
    /// A cluster whose class is not given.
    #[error("block merging: point {point} is in cluster {cluster}, but there are classes for {classes} clusters")]
    Class {
        /// Index of the point in the block.
        point: usize,
        /// Its cluster.
        cluster: i32,
        /// Clusters whose class is known.
        classes: usize,
    },
    /// A point outside of the volume.
    #[error(
        "block merging: point {point} is outside of the {SIDE}³ volume on axis {axis}; coordinates must be room-normalised"
    )]
    Voxel {
        /// Index of the point in the block.
        point: usize,
        /// 0, 1 or 2.
        axis: usize,
    },
}

/// The volume that blocks of one room are merged into (65 MB).
#[derive(Clone, Debug)]
pub struct ReferenceMerger {
    gap: f64,
    instance: Vec<i32>,
    class: Vec<i32>,
    max_id: i32,
    filled: usize,
    voxel: Vec<u32>,
}

impl ReferenceMerger {
    /// Voxel size of the seeds, in room-normalised units.
    pub const GAP: f64 = 5e-3;

    /// An empty volume with voxels of `gap` (room-normalised units).
    pub fn new(gap: f64) -> Self {
        Self {
            gap,
            instance: vec![-1; SIDE * SIDE * SIDE],
            class: vec![-1; SIDE * SIDE * SIDE],
            max_id: -1,
            filled: 0,
            voxel: Vec::new(),
        }
    }

    /// Empties the volume for the next room.
    pub fn clear(&mut self) {
        self.instance.fill(-1);
        self.class.fill(-1);
        (self.max_id, self.filled) = (-1, 0);
    }

    /// Greatest instance in the volume, −1 when it is empty.
    pub fn max_id(&self) -> i32 {
        self.max_id
    }

    /// Voxels that hold an instance.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Occupied voxels in C order: index on each axis, instance, class.
    pub fn voxels(&self) -> impl Iterator<Item = ([usize; 3], i32, i32)> + '_ {
        let occupied = self.instance.iter().zip(&self.class).enumerate().filter(|(_, (instance, _))| **instance != -1);
        occupied.map(|(at, (&instance, &class))| ([at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE], instance, class))
    }

    /// Merges one block. `cluster` is −1 or the cluster of each point, `cluster_class` the class of
    /// each cluster. `label` is overwritten with the instance of each point that filled a voxel, and
    /// −1 for all others.
    ///
    /// # Errors
    /// Where the reference raises; the volume is then unchanged.
    pub fn merge_block(
        &mut self,
        points: RoomPoints<'_>,
        cluster: &[i32],
        cluster_class: &[i32],
        label: &mut Vec<i32>,
    ) -> Result<(), ReferenceMergeError> {
        label.clear();
        self.index_voxels(points)?;
        let table = self.count_overlaps(cluster, cluster_class)?;
        let instance = self.assign(&table);
        label.extend(cluster.iter().zip(&self.voxel).map(|(&cluster, &voxel)| {
            let voxel = voxel as usize;
            if cluster < 0 || self.instance[voxel] != -1 {
                return -1;
            }
            let id = instance[cluster as usize];
            self.instance[voxel] = id;
            self.class[voxel] = cluster_class[cluster as usize];
            self.max_id = self.max_id.max(id);
            self.filled += 1;
            id
        }));
        Ok(())
    }

    /// The pass after all blocks: every point takes its voxel's instance (−1 if it holds none), so
    /// that all blocks agree. `label` is overwritten.
    ///
    /// # Errors
    /// [`ReferenceMergeError::Voxel`].
    pub fn relabel(&mut self, points: RoomPoints<'_>, label: &mut Vec<i32>) -> Result<(), ReferenceMergeError> {
        label.clear();
        self.index_voxels(points)?;
        label.extend(self.voxel.iter().map(|&voxel| self.instance[voxel as usize]));
        Ok(())
    }

    fn index_voxels(&mut self, points: RoomPoints<'_>) -> Result<(), ReferenceMergeError> {
        self.voxel.clear();
        self.voxel.reserve(points.len());
        for point in 0..points.len() {
            let mut at = 0;
            for axis in 0..3 {
                let index = points.voxel(point, axis, self.gap).and_then(python_index);
                at = at * SIDE + index.ok_or(ReferenceMergeError::Voxel { point, axis })?;
            }
            self.voxel.push(at as u32);
        }
        Ok(())
    }

    fn count_overlaps(&self, cluster: &[i32], cluster_class: &[i32]) -> Result<OverlapTable, ReferenceMergeError> {
        let points = self.voxel.len();
        if cluster.len() != points {
            return Err(ReferenceMergeError::Length { what: "clusters", points, actual: cluster.len() });
        }
        let mut table = OverlapTable::new();
        for (point, (&cluster, &voxel)) in cluster.iter().zip(&self.voxel).enumerate() {
            if cluster == -1 {
                table.points[MAX_CLUSTERS - 1] += 1;
                continue;
            }
            let row = usize::try_from(cluster).ok().filter(|&row| row < MAX_CLUSTERS);
            let row = row.ok_or(ReferenceMergeError::Cluster { point, cluster })?;
            let classes = cluster_class.len();
            let class = *cluster_class.get(row).ok_or(ReferenceMergeError::Class { point, cluster, classes })?;
            table.points[row] += 1;
            let held = self.instance[voxel as usize];
            if held != -1 && (held as usize) < COUNTED_INSTANCES && self.class[voxel as usize] == class {
                table.shared[row * COUNTED_INSTANCES + held as usize] += 1;
            }
        }
        Ok(table)
    }

    /// Instance of each cluster.
    fn assign(&self, table: &OverlapTable) -> [i32; MAX_CLUSTERS] {
        let mut newest = self.max_id;
        let mut instance = [0; MAX_CLUSTERS];
        for (row, instance) in instance.iter_mut().enumerate() {
            let shared = &table.shared[row * COUNTED_INSTANCES..][..COUNTED_INSTANCES];
            let most = shared.iter().copied().max().unwrap_or(0);
            if most < MIN_OVERLAP && table.points[row] > MIN_COUNT {
                newest += 1;
                *instance = newest;
            } else {
                *instance = shared.iter().position(|&count| count == most).unwrap_or(0) as i32;
            }
        }
        instance
    }
}

struct OverlapTable {
    shared: Vec<u32>,
    /// Starts at one, as in the reference.
    points: [u32; MAX_CLUSTERS],
}

impl OverlapTable {
    fn new() -> Self {
        Self { shared: vec![0; MAX_CLUSTERS * COUNTED_INSTANCES], points: [1; MAX_CLUSTERS] }
    }
}

/// Index as NumPy takes it: negative ones count from the end.
fn python_index(index: i32) -> Option<usize> {
    let side = SIDE as i32;
    let index = if index < 0 { index.checked_add(side)? } else { index };
    (0..side).contains(&index).then_some(index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` points, each in a voxel of its own.
    fn line(count: usize, y: f64) -> Vec<[f64; 3]> {
        (0..count).map(|i| [(i as f64 + 0.5) * 0.005, y, 0.0]).collect()
    }

    fn merge(merger: &mut ReferenceMerger, points: &[[f64; 3]], cluster: i32, class: i32) -> Vec<i32> {
        let mut label = Vec::new();
        let classes = vec![class; cluster.max(0) as usize + 1];
        merger.merge_block(RoomPoints::Double(points), &vec![cluster; points.len()], &classes, &mut label).unwrap();
        label
    }

    #[test]
    fn small_clusters_fall_into_instance_zero() {
        let mut merger = ReferenceMerger::new(ReferenceMerger::GAP);
        assert_eq!(merge(&mut merger, &line(30, 0.1), 0, 2), [0; 30]);
        assert_eq!(merge(&mut merger, &line(30, 0.2), 0, 3), [1; 30]);
        assert_eq!(merge(&mut merger, &line(29, 0.3), 0, 7), [0; 29]);
    }

    #[test]
    fn seven_shared_points_continue_an_instance_of_the_same_class() {
        let mut merger = ReferenceMerger::new(ReferenceMerger::GAP);
        merge(&mut merger, &line(40, 0.1), 0, 2);
        let with_shared = |shared: usize| [line(shared, 0.1), line(60, 0.4)].concat();
        assert_eq!(merge(&mut merger.clone(), &with_shared(6), 0, 2)[6], 1);
        assert_eq!(merge(&mut merger.clone(), &with_shared(7), 0, 2)[7], 0);
        assert_eq!(merge(&mut merger, &with_shared(7), 0, 4)[7], 1);
        assert_eq!((merger.max_id(), merger.filled()), (1, 100));
    }

    #[test]
    fn unclustered_points_count_for_the_last_cluster() {
        let mut merger = ReferenceMerger::new(ReferenceMerger::GAP);
        let mut label = Vec::new();
        let points = line(40, 0.1);
        let mut cluster = vec![-1; 40];
        cluster[0] = 99;
        merger.merge_block(RoomPoints::Double(&points), &cluster, &[0; 100], &mut label).unwrap();
        assert_eq!(label[..2], [0, -1], "40 points counted, so cluster 99 founds the first instance");
        merge(&mut merger, &line(40, 0.2), 0, 0);
        cluster[0] = -1;
        cluster[1] = 99;
        merger.merge_block(RoomPoints::Double(&points), &cluster, &[0; 100], &mut label).unwrap();
        assert_eq!(label[1], 2, "one point alone would have taken instance 0");
    }

    #[test]
    fn precision_decides_on_borders() {
        // 0.145 / 0.005 is 28.999999999999996 in one precision and 29 in the other.
        assert_eq!(RoomPoints::Double(&[[0.145, 0.0, 0.0]]).voxel(0, 0, 0.005), Some(28));
        assert_eq!(RoomPoints::Single(&[[0.145, 0.0, 0.0]]).voxel(0, 0, 0.005), Some(29));
        let mut merger = ReferenceMerger::new(ReferenceMerger::GAP);
        let mut label = Vec::new();
        merger.merge_block(RoomPoints::Single(&[[0.145, 0.0, 1.0]]), &[0], &[4], &mut label).unwrap();
        assert_eq!(merger.voxels().collect::<Vec<_>>(), [([29, 0, 200], 0, 4)]);
    }

    #[test]
    fn what_the_reference_raises_is_an_error_and_changes_nothing() {
        let mut merger = ReferenceMerger::new(ReferenceMerger::GAP);
        let mut label = Vec::new();
        let mut run = |points: &[[f64; 3]], cluster: &[i32], classes: &[i32]| {
            let result = merger.merge_block(RoomPoints::Double(points), cluster, classes, &mut label);
            assert_eq!(merger.filled(), 0);
            result.unwrap_err()
        };
        let origin = [[0.0; 3]];
        assert_eq!(run(&origin, &[100], &[0; 200]), ReferenceMergeError::Cluster { point: 0, cluster: 100 });
        assert_eq!(run(&origin, &[-2], &[0]), ReferenceMergeError::Cluster { point: 0, cluster: -2 });
        assert_eq!(run(&origin, &[3], &[0; 3]), ReferenceMergeError::Class { point: 0, cluster: 3, classes: 3 });
        assert_eq!(run(&origin, &[], &[]), ReferenceMergeError::Length { what: "clusters", points: 1, actual: 0 });
        for (axis, bad) in [(0, 1.006), (1, f64::NAN), (2, 1e30), (1, -1e30), (2, f64::NEG_INFINITY), (0, -1.011)] {
            let mut point = [0.0; 3];
            point[axis] = bad;
            assert_eq!(run(&[point], &[0], &[0]), ReferenceMergeError::Voxel { point: 0, axis });
        }
    }

    #[test]
    fn negative_coordinates_wrap_as_in_python() {
        assert_eq!((python_index(-1), python_index(-201), python_index(-202)), (Some(200), Some(0), None));
    }
}
