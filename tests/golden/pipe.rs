//! Golden files `pipe*.npz`: from embeddings to final instances, end to end.

use instanton::grouping::{
    ClassVote, Clusters, LabelStorage, MeanShift, ReferenceMerger, RoomPoints, filter_small_instances,
};

use super::support::for_each;

#[test]
fn embeddings_become_the_references_instances() {
    for_each("pipe", |name, archive| {
        let shape = archive.shape("embeddings");
        let [blocks, points, size] = shape[..] else { panic!("{name}: embeddings of shape {shape:?}") };
        let embeddings = archive.values::<f32>("embeddings");
        let features = archive.values::<f64>("blocks9");
        let room: Vec<[f64; 3]> = features.chunks_exact(9).map(|row| [row[6], row[7], row[8]]).collect();
        let predicted = archive.values::<i32>("pred_sem");
        let bandwidth = archive.scalar::<f32>("bandwidth").to_string().parse().expect("a number");
        let gap = archive.scalar::<f64>("gap");
        let classes = archive.shape("mean_ins_size")[0];

        let mut mean_shift = MeanShift::new(bandwidth, true).expect("a usable bandwidth");
        let (mut clusters, mut vote, mut cluster_class) = (Clusters::default(), ClassVote::default(), Vec::new());
        let (mut merger, mut label) = (ReferenceMerger::new(gap), Vec::new());
        let (mut block_cluster, mut after_merge) = (Vec::new(), Vec::new());
        for block in 0..blocks {
            let range = block * points..(block + 1) * points;
            mean_shift.run(&embeddings[range.start * size..range.end * size], size, &mut clusters).expect("whole rows");
            let semantic: Vec<u16> = predicted[range.clone()].iter().map(|&class| class as u16).collect();
            vote.mode(&clusters.label, &semantic, clusters.count(), classes, &mut cluster_class);
            let cluster: Vec<i32> = clusters.label.iter().map(|&label| label as i32).collect();
            let class: Vec<i32> = cluster_class.iter().map(|&class| i32::from(class)).collect();
            merger
                .merge_block(RoomPoints::Double(&room[range]), &cluster, &class, &mut label)
                .expect("a block it can merge");
            block_cluster.extend(cluster);
            after_merge.extend_from_slice(&label);
        }
        assert_eq!(block_cluster, archive.values::<i32>("block_cluster"), "{name}: clusters");
        assert_eq!(after_merge, archive.values::<i32>("group_after_merge"), "{name}: merged");

        merger.relabel(RoomPoints::Double(&room), &mut label).expect("points inside of the volume");
        assert_eq!(label, archive.values::<i32>("group_after_volume"), "{name}: relabelled");

        let mean_size = archive.values::<f64>("mean_ins_size");
        let instances = filter_small_instances(&label, &predicted, &mean_size, LabelStorage::Int32);
        assert_eq!(instances, archive.values::<i32>("final_ins"), "{name}: final instances");
    });
}
