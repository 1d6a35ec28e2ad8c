//! Golden files `fuse*.npz`.

use crate::support::for_each;
use instanton::engine::InstanceFusion;
use instanton::metrics::DiscriminativeLoss;

#[test]
fn fusion_is_the_references() {
    for_each("fuse", |name, archive| {
        let embedding_size = archive.shape("embeddings")[1];
        let channels = archive.shape("features")[1];
        let embeddings = archive.values::<f32>("embeddings");
        let features = archive.values::<f32>("features");
        let k = archive.scalar::<i32>("k") as usize;
        let radius = archive.scalar::<f32>("thres");

        let (mut fusion, mut fused) = (InstanceFusion::default(), vec![0.0; features.len()]);
        fusion.fuse(&embeddings, embedding_size, &features, channels, k, radius, &mut fused).unwrap();
        assert_eq!(fused, archive.values::<f32>("fused"), "{name}");

        // The golden list is padded with the point itself; ours is the set.
        let golden = archive.values::<i32>("nn_idx");
        let found = fusion.search(&embeddings, embedding_size, k, radius).unwrap();
        for (point, golden) in golden.chunks_exact(k).enumerate() {
            let mut golden: Vec<u32> = golden.iter().map(|&index| index as u32).collect();
            let mut ours = found.index[point * found.slots..][..found.count[point] as usize].to_vec();
            golden.sort_unstable();
            golden.dedup();
            ours.sort_unstable();
            assert_eq!(ours, golden, "{name}: neighbours of point {point}");
        }
    });
}

#[test]
fn loss_is_the_references() {
    for_each("fuse", |name, archive| {
        let embedding_size = archive.shape("embeddings")[1];
        let embeddings = archive.values::<f32>("embeddings");
        let loss = DiscriminativeLoss::of_block(&embeddings, embedding_size, &archive.values::<i32>("ins_label"));
        for (term, ours) in [("l_var", loss.variance), ("l_dist", loss.distance), ("l_reg", loss.regulariser)] {
            let golden = archive.scalar::<f64>(term);
            assert!((ours - golden).abs() <= 1e-5 * golden.abs() + 1e-7, "{name} {term}: {ours}, golden {golden}");
        }
    });
}
