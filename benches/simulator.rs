//! How fast rooms are furnished and scanned, and frames taken. One thread: rooms a minute of one core.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use instanton::sim::{DepthCamera, Lidar, ScanMode, ScanOptions, Scene, SceneOptions, scan_room};
use nalgebra::{Isometry3, UnitQuaternion, Vector3};

fn rooms(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    let mut group = criterion.benchmark_group("simulator");
    group.sample_size(20);
    group.throughput(Throughput::Elements(1));
    let mut seed = 0;
    group.bench_function("furnish a room", |bencher| {
        bencher.iter(|| {
            seed += 1;
            black_box(Scene::generate(seed, &SceneOptions::default()))
        });
    });
    let mut seed = 0;
    group.bench_function("furnish and scan a room", |bencher| {
        bencher.iter(|| {
            seed += 1;
            let scene = Scene::generate(seed, &SceneOptions::default());
            pool.install(|| black_box(scan_room(&scene, &ScanOptions { seed, ..Default::default() })))
        });
    });
    let scene = Scene::generate(1, &SceneOptions::default());
    for mode in [ScanMode::Panorama, ScanMode::DepthFrames, ScanMode::LidarSweeps] {
        let mut seed = 0;
        group.bench_function(format!("scan {mode:?}"), |bencher| {
            bencher.iter(|| {
                seed += 1;
                let options = ScanOptions { seed, mode: Some(mode), ..Default::default() };
                pool.install(|| black_box(scan_room(&scene, &options)))
            });
        });
    }
    let [x, y] = scene.free[0];
    let place = Isometry3::translation(f64::from(x), f64::from(y), 1.0);
    let level = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -std::f64::consts::FRAC_PI_2);
    let (camera, mut picture) = (DepthCamera::kinect(), Default::default());
    group.bench_function("depth frame 640 × 480", |bencher| {
        bencher.iter(|| pool.install(|| camera.capture_into(&scene, &(place * level), 1, &mut picture)));
    });
    let (lidar, mut sweep) = (Lidar::lidar64(), Default::default());
    group.bench_function("lidar revolution 64 × 1024", |bencher| {
        bencher.iter(|| pool.install(|| lidar.capture_into(&scene, &place, 1, &mut sweep)));
    });
    group.finish();
}

criterion_group!(benches, rooms);
criterion_main!(benches);
