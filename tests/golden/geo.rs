//! Golden files `geo*.npz`.

use crate::support::{Archive, for_each};
use instanton::geometry::*;

fn assert_close(what: &str, ours: impl IntoIterator<Item = f64>, golden: &[f64], relative: f64, absolute: f64) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), golden.len(), "{what}");
    for (place, (ours, golden)) in ours.iter().zip(golden).enumerate() {
        let tolerance = relative * golden.abs() + absolute;
        assert!((ours - golden).abs() <= tolerance, "{what}[{place}]: {ours}, golden {golden}");
    }
}

fn unsigned(archive: &mut Archive, name: &str) -> Vec<u32> {
    archive.values::<i32>(name).into_iter().map(|value| u32::try_from(value).expect("an index")).collect()
}

fn leaves(position: &[[f32; 3]]) -> Leaves {
    let mut leaves = Leaves::default();
    leaves.build(position).expect("golden points are finite");
    leaves
}

/// The plan of the three levels that the archives record: n/4, n/16, n/64 points.
fn plan(position: &[[f32; 3]]) -> GeometryPlan {
    let level = |(divisor, radius)| LevelSpecification::ball(position.len() / divisor, radius, 32);
    let specification = PlanSpecification { levels: [(4, 0.1), (16, 0.2), (64, 0.4)].into_iter().map(level).collect() };
    let mut plan = GeometryPlan::default();
    plan.compute(position, &specification, &mut PlanWorkspace::default()).expect("golden points have a plan");
    plan
}

#[test]
fn plan_is_the_references() {
    for_each("geo", |name, archive| {
        let plan = plan(&archive.points::<3>("xyz0"));
        for level in 1..=3 {
            let key = format!("fps{level}");
            // geo07 records two levels; every archive records the first.
            if level == 1 || archive.has(&key) {
                assert_eq!(plan.levels[level].sampled_from, unsigned(archive, &key), "{name} {key}");
            }
        }
        for (level, index, count) in [(1, "ball_r01_n32", "ball_cnt_r01"), (2, "ball_r02_n32", "ball_cnt_r02")] {
            if level == 1 || archive.has(index) {
                assert_eq!(plan.levels[level].neighbours.index, unsigned(archive, index), "{name} {index}");
                assert_eq!(plan.levels[level].neighbours.count, unsigned(archive, count), "{name} {count}");
            }
        }
    });
}

#[test]
fn interpolation_is_the_references() {
    for_each("geo", |name, archive| {
        let plan = plan(&archive.points::<3>("xyz0"));
        let interpolation = &plan.levels[1].interpolation;
        let index: Vec<u32> = interpolation.index.iter().flatten().copied().collect();
        let squared = archive.values::<f32>("nn3_sqdist");
        let ours: Vec<f32> = plan.levels[0]
            .position
            .iter()
            .zip(&interpolation.index)
            .flat_map(|(&point, index)| {
                index.map(|other| plain::squared_distance(plan.levels[1].position[other as usize], point))
            })
            .collect();
        assert_eq!(ours, squared, "{name}");
        assert_eq!(index, unsigned(archive, "nn3_idx"), "{name}");
        if archive.has("nn3_weight") {
            let golden: Vec<f64> = archive.values::<f32>("nn3_weight").into_iter().map(f64::from).collect();
            let ours = interpolation.weight.iter().flatten().map(|&weight| f64::from(weight));
            assert_close(&format!("{name} nn3_weight"), ours, &golden, 1e-6, 1e-12);
        }
        if archive.has("interp_out") {
            let feature = archive.points::<16>("interp_feat");
            let golden: Vec<f64> = archive.values::<f32>("interp_out").into_iter().map(f64::from).collect();
            let ours = interpolation.index.iter().zip(&interpolation.weight).flat_map(|(index, weight)| {
                let [a, b, c] = index.map(|index| feature[index as usize]);
                (0..16)
                    .map(move |i| f64::from(a[i] * weight[0] + b[i] * weight[1] + c[i] * weight[2]))
                    .collect::<Vec<_>>()
            });
            assert_close(&format!("{name} interp_out"), ours, &golden, 1e-6, 1e-6);
        }
    });
}

#[test]
fn nearest_neighbours_are_the_references() {
    for_each("geo", |name, archive| {
        let plan = plan(&archive.points::<3>("xyz0"));
        let check = |archive: &mut Archive, source: usize, queries: usize, k: usize, prefix: &str| {
            let (source, queries) = (&plan.levels[source].position, &plan.levels[queries].position);
            let mut nearest = NearestNeighbours::default();
            k_nearest_neighbours(&leaves(source), queries, k, &mut NearestWorkspace::default(), &mut nearest).unwrap();
            let golden = archive.values::<f64>(&format!("{prefix}_dist"));
            let ours = nearest.squared_distance.iter().map(|squared| squared.sqrt());
            assert_close(&format!("{name} {prefix}"), ours, &golden, 1e-6, 1e-12);
            // The same neighbours, except where several are equally far.
            let index = unsigned(archive, &format!("{prefix}_idx"));
            let differ = index.iter().zip(&nearest.index).filter(|(golden, ours)| golden != ours);
            for (&golden, &ours) in differ {
                println!("{name} {prefix}: {ours} for {golden}, equally far");
            }
        };
        check(archive, 1, 2, 32, "knn32_l1_to_l2");
        // geo07 records the first only.
        if archive.has("knn16_l2_dist") {
            check(archive, 2, 2, 16, "knn16_l2");
        }
    });
}

#[test]
fn densities_are_the_references() {
    for_each("geo", |name, archive| {
        let plan = plan(&archive.points::<3>("xyz0"));
        let density = |level: usize, radius: f32, variance: f64| {
            let position = &plan.levels[level].position;
            let (mut neighbours, mut density) = (Neighbours::default(), Vec::new());
            ball_query(&leaves(position), position, radius, 128, &mut BallWorkspace::default(), &mut neighbours)
                .unwrap();
            gaussian_density(position, &neighbours, variance, &mut density).unwrap();
            (neighbours.count, density)
        };
        for (level, radius, variance, key, count_key) in [
            (1, 0.2, 0.1, "density_l1_r02_s01", "density_cnt_l1"),
            (2, 0.4, 0.2, "density_l2_r04_s02", "density_cnt_l2"),
        ] {
            if level == 2 && !archive.has(key) {
                continue;
            }
            let (count, density) = density(level, radius, variance);
            assert_eq!(count, unsigned(archive, count_key), "{name} {count_key}");
            let ours = density.iter().map(|&value| f64::from(value));
            assert_close(&format!("{name} {key}"), ours, &archive.values::<f64>(key), 1e-6, 0.0);
        }
        if archive.has("density_scale_l1_to_l2") {
            let (_, density) = density(1, 0.2, 0.1);
            let mut scale = Vec::new();
            inverse_density_scale(&density, &unsigned(archive, "knn32_l1_to_l2_idx"), 32, &mut scale).unwrap();
            let golden = archive.values::<f64>("density_scale_l1_to_l2");
            assert_close(&format!("{name} scale"), scale.iter().map(|&value| f64::from(value)), &golden, 1e-6, 0.0);
        }
    });
}
