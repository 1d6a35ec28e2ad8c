//! Golden files `bm*.npz`.

use instanton::grouping::{ReferenceMerger, RoomPoints};

use super::support::for_each;

#[test]
fn block_merging_is_the_references() {
    for_each("bm", |name, archive| {
        let mut merger = ReferenceMerger::new(archive.scalar("gap"));
        let mut label = Vec::new();
        let mut blocks = 0;
        while archive.has(&format!("pts{blocks}")) {
            let key = |what: &str| format!("{what}{blocks}");
            let coordinates = archive.values::<f64>(&key("pts"));
            let points: Vec<[f64; 3]> = coordinates.as_chunks().0.to_vec();
            let group = archive.values::<i32>(&key("group"));
            let class = archive.values::<i32>(&key("groupseg"));
            merger.merge_block(RoomPoints::Double(&points), &group, &class, &mut label).expect("a block it can merge");
            assert_eq!(label, archive.values::<i32>(&key("out")), "{name} block {blocks}");
            assert_eq!(merger.max_id(), archive.scalar::<i32>(&key("maxid_after")), "{name} block {blocks}");
            assert_eq!(merger.filled() as i32, archive.scalar::<i32>(&key("filled_after")), "{name} block {blocks}");
            blocks += 1;
        }
        assert_eq!(blocks, archive.scalar::<i32>("n_blocks"), "{name}: blocks");

        let coordinates = archive.values::<i16>("volume_coords");
        let groups = archive.values::<i32>("volume_group");
        let classes = archive.values::<i32>("volume_seg");
        let mut expected: Vec<([usize; 3], i32, i32)> = coordinates
            .chunks_exact(3)
            .zip(groups.iter().zip(&classes))
            .map(|(at, (&group, &class))| ([at[0] as usize, at[1] as usize, at[2] as usize], group, class))
            .collect();
        expected.sort_unstable();
        assert!(merger.voxels().eq(expected), "{name}: volume");
    });
}
