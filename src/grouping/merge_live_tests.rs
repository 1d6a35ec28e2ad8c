use proptest::prelude::*;

use super::*;

const TABLE: u16 = 7;
const CHAIR: u16 = 8;

/// Points as runs of (count, cluster, current id).
fn points(runs: &[(usize, u32, u32)]) -> (Vec<u32>, Vec<u32>) {
    runs.iter().flat_map(|&(count, cluster, current)| std::iter::repeat_n((cluster, current), count)).unzip()
}

fn merge(merger: &mut LiveMerger, runs: &[(usize, u32, u32)], classes: &[u16]) -> Vec<u32> {
    let (cluster, current) = points(runs);
    let mut assigned = Vec::new();
    merger.merge_block(&cluster, classes, &current, &mut assigned).unwrap();
    assigned
}

/// A merger that knows one instance of each class, ids 1, 2, ….
fn merger(classes: &[u16]) -> LiveMerger {
    let mut merger = LiveMerger::new(LiveMergeRules::default());
    for &class in classes {
        let id = merger.registry.found(class);
        merger.registry.gain(id, 100);
    }
    merger
}

#[test]
fn large_clusters_found_instances_and_small_ones_stay_without() {
    let assigned = merge(&mut merger(&[]), &[(29, 0, 0), (30, 1, 0), (500, 2, 0)], &[TABLE; 3]);
    assert_eq!(assigned, [NO_INSTANCE, 1, 2]);
}

#[test]
fn a_cluster_continues_what_it_overlaps_most() {
    let runs = [(60, 0, 0), (10, 0, 1), (15, 0, 2), (8, 1, 2)];
    assert_eq!(merge(&mut merger(&[TABLE, TABLE]), &runs, &[TABLE, TABLE]), [2, 2]);
}

#[test]
fn of_equal_overlaps_the_oldest_wins() {
    assert_eq!(merge(&mut merger(&[TABLE, TABLE]), &[(60, 0, 0), (9, 0, 2), (9, 0, 1)], &[TABLE]), [1]);
}

#[test]
fn six_points_are_no_overlap_and_seven_are() {
    assert_eq!(merge(&mut merger(&[TABLE]), &[(60, 0, 0), (6, 0, 1)], &[TABLE]), [2]);
    assert_eq!(merge(&mut merger(&[TABLE]), &[(60, 0, 0), (7, 0, 1)], &[TABLE]), [1]);
}

#[test]
fn another_class_is_no_overlap() {
    assert_eq!(merge(&mut merger(&[CHAIR]), &[(60, 0, 1)], &[TABLE]), [2]);
}

#[test]
fn a_leak_from_a_large_neighbour_does_not_glue() {
    // Ten points of instance 1 leak into cluster 1; most of it is in cluster 0.
    let runs = [(400, 0, 1), (300, 1, 0), (10, 1, 1)];
    assert_eq!(merge(&mut merger(&[TABLE]), &runs, &[TABLE, TABLE]), [1, 2]);
}

#[test]
fn small_clusters_may_continue_but_not_found() {
    assert_eq!(merge(&mut merger(&[TABLE]), &[(8, 0, 1), (8, 1, 0)], &[TABLE, TABLE]), [1, NO_INSTANCE]);
}

#[test]
fn the_unlabelled_take_no_part() {
    let runs = [(50, NO_CLUSTER, 1), (50, 0, 0), (40, 1, 77)];
    assert_eq!(merge(&mut merger(&[TABLE]), &runs, &[INVALID_CLASS, TABLE]), [NO_INSTANCE, 2]);
    assert_eq!(merge(&mut merger(&[]), &[], &[TABLE]), [NO_INSTANCE]);
    assert!(merge(&mut merger(&[]), &[], &[]).is_empty());
}

#[test]
fn a_bridge_unites() {
    let mut merger = merger(&[TABLE, TABLE, TABLE, CHAIR]);
    merger.registry.gain(2, 50);
    // Cluster 0 holds most of instances 1 and 2, too little of 3, and 4 is a chair.
    let runs = [(30, 0, 1), (20, 0, 2), (20, 0, 3), (21, 1, 3), (25, 0, 4), (30, 2, 1)];
    let assigned = merge(&mut merger, &runs, &[TABLE, TABLE, TABLE]);
    assert_eq!(assigned, [2, 3, 2], "the larger instance keeps its id");
    assert_eq!(merger.united(), [(2, 1)]);
    assert_eq!(merger.registry.resolve(1), 2);
    // Voxels that still carry the lost id count for the kept one.
    assert_eq!(merge(&mut merger, &[(60, 0, 1)], &[TABLE]), [2]);
    assert!(merger.united().is_empty());
}

#[test]
fn too_little_is_no_bridge() {
    let mut merger = merger(&[TABLE, TABLE]);
    merge(&mut merger, &[(30, 0, 1), (19, 0, 2)], &[TABLE]);
    assert!(merger.united().is_empty());
    merge(&mut merger, &[(30, 0, 1), (20, 0, 2), (21, NO_CLUSTER, 2)], &[TABLE]);
    assert!(merger.united().is_empty(), "20 of 41 points are less than half");
}

#[test]
fn columns_that_do_not_fit_are_named_and_change_nothing() {
    let mut merger = merger(&[TABLE]);
    let before = merger.registry.clone();
    let mut assigned = Vec::new();
    let length = merger.merge_block(&[0, 0], &[TABLE], &[0], &mut assigned);
    assert_eq!(length, Err(LiveMergeError::Length { clusters: 2, current: 1 }));
    let cluster = merger.merge_block(&[0, 5], &[TABLE], &[0, 0], &mut assigned);
    assert_eq!(cluster, Err(LiveMergeError::Cluster { point: 1, cluster: 5, classes: 1 }));
    assert_eq!(merger.registry, before);
}

/// One block: points as (cluster, voxel).
type Block = Vec<(u32, usize)>;

proptest! {
    #[test]
    fn over_many_blocks_the_map_stays_consistent(
        blocks in prop::collection::vec(
            (prop::collection::vec((0_u32..5, 0_usize..150), 0..200), prop::collection::vec(0_u16..2, 5)),
            1..12,
        ),
        turn in any::<prop::sample::Index>(),
    ) {
        let rules = LiveMergeRules { minimum_overlap: 3, minimum_points: 8, unite_minimum: 6, ..Default::default() };
        let (mut merger, mut shuffled) = (LiveMerger::new(rules), LiveMerger::new(rules));
        let mut map = vec![NO_INSTANCE; 150];
        for (block, classes) in blocks {
            let mut block: Block = block.into_iter().map(|(c, v)| (if c == 4 { NO_CLUSTER } else { c }, v)).collect();
            block.sort_by_key(|point| point.1);
            block.dedup_by_key(|point| point.1);
            let run = |merger: &mut LiveMerger, block: &Block| {
                let cluster: Vec<u32> = block.iter().map(|point| point.0).collect();
                let current: Vec<u32> = block.iter().map(|point| map[point.1]).collect();
                let mut assigned = Vec::new();
                merger.merge_block(&cluster, &classes, &current, &mut assigned).unwrap();
                assigned
            };
            let assigned = run(&mut merger, &block);
            let middle = if block.is_empty() { 0 } else { turn.index(block.len()) };
            block.rotate_left(middle);
            prop_assert_eq!(&run(&mut shuffled, &block), &assigned, "order of points");
            prop_assert_eq!(merger.united(), shuffled.united());

            for (instance, class) in assigned.iter().zip(&classes) {
                if *instance != NO_INSTANCE {
                    prop_assert_eq!(merger.registry.resolve(*instance), *instance, "a root");
                    prop_assert_eq!(merger.registry.class(*instance), Some(*class));
                }
            }
            for &(cluster, voxel) in &block {
                if cluster != NO_CLUSTER && assigned[cluster as usize] != NO_INSTANCE {
                    map[voxel] = assigned[cluster as usize];
                }
            }
            for registry in [&mut merger.registry, &mut shuffled.registry] {
                registry.recount(map.iter().copied());
                registry.retire();
            }
            for &id in map.iter().filter(|id| **id != NO_INSTANCE) {
                prop_assert_ne!(merger.registry.resolve(id), NO_INSTANCE, "carried ids are known");
            }
            let carried: std::collections::BTreeSet<u32> = map.iter().copied().filter(|&id| id != NO_INSTANCE).collect();
            prop_assert!(merger.registry.len() <= 2 * carried.len(), "memory is bounded by what voxels carry");
        }
    }
}
