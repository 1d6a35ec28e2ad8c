//! Golden files `ms*.npz`.

use instanton::grouping::{Clusters, MeanShift, mean_shift_plain};

use super::support::{Archive, for_each};

/// The bandwidth as the reference's script wrote it: `0.6`, not the nearest `f32`.
fn bandwidth(archive: &mut Archive) -> f64 {
    archive.scalar::<f32>("bandwidth").to_string().parse().expect("a number")
}

fn compare(name: &str, archive: &mut Archive, seeding: &str) {
    let size = archive.shape("embeddings")[1];
    let embeddings = archive.values::<f32>("embeddings");
    let bandwidth = bandwidth(archive);
    let mut mean_shift = MeanShift::new(bandwidth, seeding == "bin").expect("a usable bandwidth");
    let mut clusters = Clusters::default();
    mean_shift.run(&embeddings, size, &mut clusters).expect("whole rows");

    let centres = archive.values::<f32>(&format!("centers_{seeding}"));
    assert_eq!(clusters.centre.len(), centres.len(), "{name} {seeding}: number of centres");
    for (index, (ours, theirs)) in clusters.centre.iter().zip(&centres).enumerate() {
        assert!((ours - theirs).abs() <= 1e-4, "{name} {seeding}: centre {}: {ours} {theirs}", index / size);
    }
    let labels = archive.values::<i32>(&format!("labels_{seeding}"));
    let equal = labels.iter().zip(&clusters.label).filter(|(theirs, ours)| i64::from(**theirs) == i64::from(**ours));
    let share = equal.count() as f64 / labels.len() as f64;
    assert!(share >= 0.999, "{name} {seeding}: {share} equal labels");
    let plain = mean_shift_plain(&embeddings, size, bandwidth, seeding == "bin").expect("whole rows");
    assert_eq!(clusters.label, plain.label, "{name} {seeding}: fast and plain");
    assert_eq!(clusters.centre, plain.centre, "{name} {seeding}: fast and plain");
    println!(
        "{name} {seeding}: {} centres, {share:.5} equal labels, {} iterations (reference {}), {} means (plain {}), work {} (plain {})",
        clusters.count(),
        clusters.iterations,
        archive.scalar::<i32>(&format!("n_iter_{seeding}")),
        clusters.means,
        plain.means,
        clusters.work,
        plain.work
    );
}

#[test]
fn mean_shift_is_scikit_learns() {
    for_each("ms", |name, archive| {
        compare(name, archive, "bin");
        if archive.has("labels_nobin") {
            compare(name, archive, "nobin");
        }
    });
}
