//! Speed of the geometry plan, piece by piece, and of the fusion in embedding space, on one
//! 4096-point block and one thread.

use criterion::{Criterion, criterion_group, criterion_main};
use instanton::engine::{InstanceFusion, nearest_plain};
use instanton::geometry::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A block as an indoor scan has it: floor, two walls, a table and clutter, with sensor noise.
fn block(points: usize) -> Vec<[f32; 3]> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    (0..points)
        .map(|_| {
            let [a, b, noise]: [f32; 3] = std::array::from_fn(|_| random.random_range(0.0..1.0));
            let noise = (noise - 0.5) * 0.01;
            match random.random_range(0..10) {
                0..3 => [a - 0.5, b - 0.5, noise],
                3..5 => [a - 0.5, 0.5 + noise, b * 2.8],
                5..7 => [-0.5 + noise, a - 0.5, b * 2.8],
                7..9 => [a * 0.6 - 0.3, b * 0.6 - 0.3, 0.75 + noise],
                _ => [a * 0.2, b * 0.2, 0.75 + noise.abs() * 40.0],
            }
        })
        .collect()
}

fn asis() -> PlanSpecification {
    let level = |(points, radius)| LevelSpecification::ball(points, radius, 32);
    PlanSpecification { levels: [(1024, 0.1), (256, 0.2), (64, 0.4), (16, 0.8)].into_iter().map(level).collect() }
}

fn geometry(criterion: &mut Criterion) {
    let position = block(4096);
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    let mut group = criterion.benchmark_group("geometry");
    group.bench_function("plan of ASIS, 4096 points", |bencher| {
        bencher.iter(|| plan.compute(black_box(&position), &asis(), &mut workspace));
    });
    plan.compute(&position, &asis(), &mut workspace).expect("a block has a plan");

    let mut leaves = Leaves::default();
    group.bench_function("leaves, 4096", |bencher| bencher.iter(|| leaves.build(black_box(&position))));
    leaves.build(&position).expect("a block has leaves");

    let (mut sampling, mut chosen) = (SamplingWorkspace::default(), Vec::new());
    group.bench_function("farthest-point sampling, 4096 to 1024", |bencher| {
        bencher.iter(|| farthest_point_sampling(&leaves, black_box(&position), 1024, &mut sampling, &mut chosen));
    });
    group.bench_function("farthest-point sampling, 4096 to 1024, plain", |bencher| {
        bencher.iter(|| plain::farthest_point_sampling(black_box(&position), 1024));
    });

    let coarse = plan.levels[1].position.clone();
    let (mut ball, mut neighbours) = (BallWorkspace::default(), Neighbours::default());
    group.bench_function("ball query, 1024 in 4096, 0.1 m, 32 slots", |bencher| {
        bencher.iter(|| ball_query(&leaves, black_box(&coarse), 0.1, 32, &mut ball, &mut neighbours));
    });
    group.bench_function("ball query, 1024 in 4096, 0.1 m, 32 slots, plain", |bencher| {
        bencher.iter(|| plain::ball_query(&position, black_box(&coarse), 0.1, 32));
    });

    let (mut buffers, mut interpolation) = (InterpolationWorkspace::default(), Interpolation::default());
    group.bench_function("three nearest, 1024 to 4096", |bencher| {
        bencher.iter(|| three_nearest(&leaves, black_box(&coarse), &mut buffers, &mut interpolation));
    });

    let (mut coarse_leaves, mut nearest) = (Leaves::default(), NearestNeighbours::default());
    coarse_leaves.build(&coarse).expect("a level has leaves");
    let (mut buffers, queries) = (NearestWorkspace::default(), &plan.levels[2].position);
    group.bench_function("32 nearest, 256 in 1024", |bencher| {
        bencher.iter(|| k_nearest_neighbours(&coarse_leaves, black_box(queries), 32, &mut buffers, &mut nearest));
    });
    let mut density = Vec::new();
    group.bench_function("density, 1024, 0.2 m, 128 slots", |bencher| {
        bencher.iter(|| {
            ball_query(&coarse_leaves, black_box(&coarse), 0.2, 128, &mut ball, &mut neighbours)?;
            gaussian_density(&coarse, &neighbours, 0.1, &mut density)
        });
    });
    group.finish();
}

/// Embeddings of objects of unequal size, spread by `spread` in every dimension.
fn embeddings(points: usize, objects: usize, spread: f32) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let centres: Vec<[f32; 5]> =
        (0..objects).map(|_| std::array::from_fn(|_| random.random_range(-3.0_f32..3.0))).collect();
    let mut embeddings = Vec::with_capacity(points * 5);
    for _ in 0..points {
        let (a, b) = (random.random_range(0..objects), random.random_range(0..objects));
        // Sums of uniform numbers gather in the middle, as trained embeddings do.
        let mut noise = || spread * (0..3).map(|_| random.random_range(-1.0_f32..1.0)).sum::<f32>();
        embeddings.extend(centres[a.min(b)].map(|value| value + noise()));
    }
    embeddings
}

fn fusion(criterion: &mut Criterion) {
    let features: Vec<f32> = (0..4096_u32 * 128).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
    let (mut fusion, mut fused) = (InstanceFusion::default(), vec![0.0; features.len()]);
    let mut group = criterion.benchmark_group("instance fusion, 4096 x 5, 128 channels");
    let cases = [
        ("identical", 12, 0.0),
        ("tight", 12, 0.01),
        ("trained", 12, 0.1),
        ("loose", 12, 0.3),
        ("untrained", 12, 1.0),
        ("one object", 1, 0.05),
    ];
    for (name, objects, spread) in cases {
        let embeddings = embeddings(4096, objects, spread);
        group.bench_function(format!("{name}, search"), |bencher| {
            bencher.iter(|| fusion.search(black_box(&embeddings), 5, 30, 0.5).map(|found| found.count[0]));
        });
        group.bench_function(format!("{name}, search and maximum"), |bencher| {
            bencher.iter(|| fusion.fuse(black_box(&embeddings), 5, &features, 128, 30, 0.5, &mut fused));
        });
    }
    let embeddings = embeddings(4096, 12, 0.1);
    group.sample_size(10);
    group.bench_function("trained, plain search", |bencher| {
        bencher.iter(|| nearest_plain(black_box(&embeddings), 5, 30, 0.5));
    });
    group.finish();
}

criterion_group!(benches, geometry, fusion);
criterion_main!(benches);
