//! What the simulator promises, checked on many rooms.

use glam::Vec3A;
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;

use super::{drive::camera_mount, ray::Eye, *};
use crate::cloud::LabelledCloud;

fn room(seed: u64) -> Scene {
    Scene::generate(seed, &SceneOptions::default())
}

/// A cloud as text of its bytes, so that NaN equals NaN.
fn bits(cloud: &LabelledCloud) -> String {
    let position: Vec<[u32; 3]> = cloud.cloud.position.iter().map(|p| p.map(f32::to_bits)).collect();
    format!("{position:?} {:?} {:?} {:?}", cloud.cloud.colour, cloud.class, cloud.instance)
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool").install(work)
}

/// A camera 1.2 m above a free place of the room.
fn somewhere(scene: &Scene, heading: f64) -> Isometry3<f64> {
    let [x, y] = scene.free[0];
    let base = Isometry3::from_parts(
        Translation3::new(f64::from(x), f64::from(y), 0.0),
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), heading),
    );
    base * camera_mount(1.2, 0.2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The tree finds what trying every triangle finds.
    #[test]
    fn rays_hit_the_nearest_surface(seed in 0u64..1000, turn in 0.0f32..6.2, up in -1.5f32..1.5) {
        let scene = room(seed);
        let [x, y] = scene.free[0];
        let origin = Vec3A::new(x, y, 1.3);
        for k in 0..60 {
            let (sin, cos) = (turn + 0.1 * k as f32).sin_cos();
            let direction = Vec3A::new(cos * up.cos(), sin * up.cos(), up.sin());
            let (fast, plain) = (scene.cast(origin, direction, 60.0), scene.cast_plain(origin, direction, 60.0));
            prop_assert_eq!(fast.map(|h| h.distance), plain.map(|h| h.distance));
            if let (Some(fast), Some(plain)) = (fast, plain)
                && fast.triangle != plain.triangle
            {
                // Same distance to the last bit: an edge that two triangles share.
                let instance = |t: u32| scene.surfaces[t as usize].instance;
                prop_assert_eq!(instance(fast.triangle), instance(plain.triangle));
            }
        }
    }

    /// A pixel's point projects back into that pixel, and without faults its label is the oracle's.
    #[test]
    fn pixels_project_back_with_their_label(seed in 0u64..1000, heading in 0.0f64..6.2) {
        let scene = room(seed);
        let camera = DepthCamera { noise: DepthNoise::NONE, min_range: 0.0, ..DepthCamera::new(24, 18, 1.2) };
        let pose = somewhere(&scene, heading);
        let frame = camera.capture(&scene, &pose, seed);
        let eye = Eye::new(&pose);
        for v in 0..18 {
            for u in 0..24 {
                let i = v * 24 + u;
                let p = frame.position[i];
                prop_assert_eq!(frame.depth[i] == 0, p[0].is_nan());
                if frame.depth[i] == 0 {
                    continue;
                }
                let (z, x, y) = (f64::from(p[2]), f64::from(p[0]), f64::from(p[1]));
                prop_assert!((x / z * camera.fx + camera.cx - u as f64).abs() < 1e-3);
                prop_assert!((y / z * camera.fy + camera.cy - v as f64).abs() < 1e-3);
                let hit = scene.cast_plain(eye.origin, eye.turn * camera.direction(u, v), 60.0).expect("a surface");
                let surface = scene.surfaces[hit.triangle as usize];
                let seen = scene.cast(eye.origin, eye.turn * camera.direction(u, v), 60.0).expect("a surface");
                if seen.triangle != hit.triangle && seen.distance == hit.distance {
                    // Two surfaces meet there to the last bit: either may be seen.
                    continue;
                }
                // Through glass the camera sees what is behind.
                if scene.materials[surface.material as usize].transparency == 0.0 {
                    prop_assert!((hit.distance - p[2]).abs() < 6e-4);
                    prop_assert_eq!((frame.class[i], frame.instance[i]), (surface.class as u8, surface.instance as i32));
                }
            }
        }
    }
}

#[test]
fn rays_along_an_axis_are_not_lost() {
    for seed in 0..5 {
        let scene = room(seed);
        let [x, y] = scene.free[0];
        let origin = Vec3A::new(x, y, 1.0);
        for direction in [Vec3A::Z, -Vec3A::Z, Vec3A::X, -Vec3A::X, Vec3A::Y, -Vec3A::Y] {
            let plain = scene.cast_plain(origin, direction, 60.0);
            assert_eq!(scene.cast(origin, direction, 60.0).map(|h| h.distance), plain.map(|h| h.distance));
        }
        let down = scene.cast(origin, -Vec3A::Z, 60.0).expect("the floor");
        assert_eq!(scene.surfaces[down.triangle as usize].class, Class::Floor);
    }
    let scene = room(0);
    assert_eq!(scene.cast(Vec3A::ONE, Vec3A::ZERO, 10.0), None);
    assert_eq!(scene.cast(Vec3A::NAN, Vec3A::X, 10.0), None);
}

#[test]
fn same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let run = || {
        let scene = room(5);
        let scan = |mode| bits(&scan_room(&scene, &ScanOptions { mode: Some(mode), rays: 9000, ..Default::default() }));
        let camera = Sensor::Depth(DepthCamera::new(40, 30, 1.2));
        let frames: Vec<_> = Drive::new(&scene, 3, camera, 3, 2.0).map(|f| bits(&f.labelled())).collect();
        let lidar = Sensor::Lidar(Lidar::new(8, 64, 15.0, -15.0));
        let sweeps: Vec<_> = Drive::new(&scene, 3, lidar, 2, 2.0).map(|f| bits(&f.labelled())).collect();
        let ways = [ScanMode::Panorama, ScanMode::DepthFrames, ScanMode::HandHeld, ScanMode::LidarSweeps];
        (ways.map(scan), frames, sweeps)
    };
    let one = in_pool(1, run);
    assert_eq!(one, in_pool(4, run));
    let other = scan_room(&room(6), &ScanOptions { mode: Some(ScanMode::Panorama), rays: 9000, ..Default::default() });
    assert_ne!(one.0[0], bits(&other));
}

#[test]
fn every_class_is_scanned_in_some_of_twenty_rooms() {
    let mut points = [0usize; 13];
    for seed in 0..20 {
        let options = ScanOptions { seed, mode: Some(ScanMode::Panorama), rays: 8000, ..Default::default() };
        for class in scan_room(&room(seed), &options).class {
            points[class as usize] += 1;
        }
    }
    for (class, count) in points.iter().enumerate() {
        assert!(*count > 50, "{} has {count} points in 20 rooms", CLASSES[class]);
    }
}

#[test]
fn training_never_sees_what_is_held_out() {
    let kinds = |held_out| -> Vec<RoomKind> {
        let options = SceneOptions { density: 0.0, held_out, ..Default::default() };
        (0..60).map(|seed| Scene::generate(seed, &options).kind).collect()
    };
    assert!(kinds(false).iter().all(|kind| !kind.is_held_out()));
    let reserved = kinds(true).iter().filter(|kind| kind.is_held_out()).count();
    assert!((8..35).contains(&reserved), "{reserved} of 60 rooms are of reserved kinds");
}

#[test]
fn a_partial_scan_lacks_part_of_the_room() {
    let scene = room(4);
    let points = |partial| {
        let mode = Some(ScanMode::Panorama);
        let options =
            ScanOptions { mode, partial: Some(partial), tilt: 0.0, rays: 20_000, seed: 8, ..Default::default() };
        scan_room(&scene, &options).cloud.len()
    };
    assert!(points(true) < points(false));
}

#[test]
fn furniture_stands_inside_the_room_and_not_inside_other_furniture() {
    for seed in 0..80 {
        let scene = room(seed);
        let height = scene.shape.size[2];
        for (triangle, surface) in scene.triangles.iter().zip(&scene.surfaces) {
            // Walls, windows and doors reach into the thickness of the wall.
            let slack = match surface.class {
                Class::Wall | Class::Window | Class::Door => 1.3,
                _ => 0.002,
            };
            for v in [triangle.v0, triangle.v1, triangle.v2] {
                let inside = (0..2).all(|k| v[k] > -slack && v[k] < scene.shape.size[k] + slack);
                assert!(
                    inside && v.z > -0.006 && v.z < height + scene.shape.rise + 0.002,
                    "seed {seed}: {surface:?} at {v}"
                );
                let corner = scene.shape.notch_footprint().map_or(1.0, |notch| {
                    notch.grown(-slack.min(notch.half[0]).min(notch.half[1])).distance([v.x, v.y])
                });
                assert!(
                    slack > 1.0 || corner > 0.0 || scene.shape.contains([v.x, v.y]),
                    "seed {seed}: {surface:?} at {v}"
                );
            }
        }
        for (i, a) in scene.pieces.iter().enumerate() {
            for b in &scene.pieces[..i] {
                let at_table = [a.class, b.class] == [Class::Chair, Class::Table];
                let overlap = a.footprint.grown(-0.002).overlaps(&b.footprint);
                assert!(at_table || !overlap, "seed {seed}: {a:?} in {b:?}");
            }
        }
    }
}

#[test]
fn chairs_reach_under_tables_but_not_through_them() {
    for seed in 0..60 {
        let scene = room(seed);
        let top = |instance: u32| {
            let own = scene.triangles.iter().zip(&scene.surfaces).filter(|(_, s)| s.instance == instance);
            own.flat_map(|(t, _)| [t.v0.z, t.v1.z, t.v2.z]).fold(0.0f32, f32::max)
        };
        let tables: Vec<_> =
            scene.pieces.iter().filter(|p| p.class == Class::Table).map(|p| (p, top(p.instance))).collect();
        for (triangle, surface) in scene.triangles.iter().zip(&scene.surfaces) {
            if surface.class != Class::Chair {
                continue;
            }
            for v in [triangle.v0, triangle.v1, triangle.v2] {
                for (table, height) in &tables {
                    let inside = table.footprint.grown(-0.01).distance([v.x, v.y]) == 0.0;
                    assert!(!inside || v.z < *height, "seed {seed}: chair {surface:?} rises through a table at {v}");
                }
            }
        }
    }
}

#[test]
fn pieces_stay_within_their_footprints() {
    for seed in 0..40 {
        let scene = room(seed);
        // An L-shaped desk covers two rectangles.
        let mut of = vec![Vec::new(); scene.objects.len()];
        for piece in &scene.pieces {
            of[piece.instance as usize].push(piece.footprint.grown(0.035));
        }
        for (triangle, surface) in scene.triangles.iter().zip(&scene.surfaces) {
            let footprints = &of[surface.instance as usize];
            if !footprints.is_empty() {
                for v in [triangle.v0, triangle.v1, triangle.v2] {
                    let out = footprints.iter().map(|f| f.distance([v.x, v.y])).fold(f32::MAX, f32::min);
                    assert!(out == 0.0, "seed {seed}: {surface:?} leaves its footprint by {out} at {v}");
                }
            }
        }
    }
}

#[test]
fn walls_are_objects_of_their_own() {
    for seed in 0..40 {
        let scene = room(seed);
        let count = |class| scene.objects.iter().filter(|c| **c == class).count();
        assert_eq!(count(Class::Wall), scene.shape.outline().len());
        assert_eq!((count(Class::Floor), count(Class::Ceiling)), (1, 1));
        assert!(count(Class::Wall) == if scene.shape.notch.is_some() { 6 } else { 4 });
    }
}

#[test]
fn a_drive_stays_on_free_floor_and_looks_everywhere() {
    for seed in 0..12 {
        let scene = room(seed);
        let start = scene.clearance(scene.free[0]);
        let tiny = Sensor::Lidar(Lidar::new(1, 8, 0.0, 0.0));
        let frames: Vec<Frame> = Drive::new(&scene, seed, tiny, 30, 3.0).collect();
        assert_eq!(frames.len(), 30);
        let mut turned = 0.0;
        let mut driven = 0.0;
        for pair in frames.windows(2) {
            assert!((pair[1].stamp - pair[0].stamp - 333_333_333).abs() <= 1);
            let step = (pair[1].base_pose.translation.vector - pair[0].base_pose.translation.vector).norm();
            assert!(step <= 0.6 / 3.0 + 1e-6, "seed {seed}: {step} m in a third of a second");
            driven += step;
            turned += pair[1].base_pose.rotation.angle_to(&pair[0].base_pose.rotation);
        }
        for frame in &frames {
            let t = frame.base_pose.translation.vector;
            let clearance = scene.clearance([t.x as f32, t.y as f32]);
            assert!(clearance >= 0.21 || start < 0.25, "seed {seed}: {clearance} m clearance");
        }
        assert!(turned > std::f64::consts::TAU * 0.95, "seed {seed}: turned {turned}");
        assert!(driven > 0.1, "seed {seed}: drove {driven} m");
    }
}

#[test]
fn points_of_a_drive_lie_in_the_room() {
    let scene = room(9);
    let [w, d, h] = scene.shape.size;
    for sensor in [Sensor::Depth(DepthCamera::new(60, 40, 1.3)), Sensor::Lidar(Lidar::new(16, 128, 30.0, -30.0))] {
        let mut floor = Vec::new();
        let mut valid = 0;
        for frame in Drive::new(&scene, 4, sensor, 6, 1.0) {
            let pose = frame.sensor_pose();
            let cloud = frame.labelled();
            for (i, p) in cloud.cloud.position.iter().enumerate().filter(|(_, p)| p[0].is_finite()) {
                valid += 1;
                let q = pose * Point3::new(f64::from(p[0]), f64::from(p[1]), f64::from(p[2]));
                let near = |v: f64, high: f32| v > -1.2 && v < f64::from(high) + 1.2;
                assert!(near(q.x, w) && near(q.y, d) && near(q.z, h), "{q}");
                if cloud.class[i] == Class::Floor as u8 {
                    floor.push(q.z);
                }
            }
        }
        floor.sort_by(f64::total_cmp);
        assert!(valid > 3000 && floor.len() > 200);
        assert!(floor[floor.len() / 2].abs() < 0.01, "floor at {}", floor[floor.len() / 2]);
    }
}

#[test]
fn scans_are_finite_and_their_labels_name_objects() {
    for seed in 0..18 {
        let scene = room(seed);
        let scan = scan_room(&scene, &ScanOptions { seed, rays: 12_000, ..Default::default() });
        let n = scan.cloud.len();
        assert!(n > 500, "seed {seed}: {n} points");
        assert!((scan.class.len(), scan.instance.len()) == (n, n));
        assert!(scan.cloud.colour.as_ref().is_none_or(|c| c.len() == n));
        for i in 0..n {
            assert!(scan.cloud.position[i].iter().all(|v| v.is_finite()));
            assert_eq!(scan.class[i], scene.objects[scan.instance[i] as usize] as u8);
        }
    }
}

#[test]
fn options_are_obeyed_and_strange_ones_give_a_defined_result() {
    let scene =
        Scene::generate(3, &SceneOptions { density: f32::NAN, kind: Some(RoomKind::Storage), ..Default::default() });
    assert_eq!(scene.kind, RoomKind::Storage);
    let strange = ScanOptions {
        voxel: Some(f32::NAN),
        tilt: f32::INFINITY,
        rays: 0,
        mode: Some(ScanMode::Panorama),
        colour: Some(false),
        ..Default::default()
    };
    let scan = scan_room(&scene, &strange);
    assert!(scan.cloud.colour.is_none() && scan.cloud.len() > 10);
    let lidar = scan_room(
        &scene,
        &ScanOptions { mode: Some(ScanMode::LidarSweeps), colour: Some(true), rays: 5000, ..Default::default() },
    );
    assert!(lidar.cloud.colour.is_none());
    let empty = Scene::generate(3, &SceneOptions { density: 0.0, ..Default::default() });
    assert!(empty.pieces.iter().all(|p| matches!(p.class, Class::Column | Class::Clutter)));
    let nothing = DepthCamera::new(0, 0, 1.0).capture(&scene, &Isometry3::identity(), 0);
    assert!(nothing.labelled().cloud.is_empty());
    assert!(Lidar::new(0, 0, 1.0, -1.0).capture(&scene, &Isometry3::identity(), 0).labelled().cloud.is_empty());
    let blind = DepthCamera { fx: 0.0, ..DepthCamera::new(4, 3, 1.0) };
    assert!(blind.capture(&scene, &Isometry3::identity(), 0).depth.iter().all(|d| *d == 0));
    assert_eq!(Drive::new(&scene, 0, Sensor::Depth(DepthCamera::new(2, 2, 1.0)), 0, f64::NAN).count(), 0);
    assert_eq!(Drive::new(&scene, 0, Sensor::Depth(DepthCamera::new(2, 2, 1.0)), 2, f64::NAN).count(), 2);
}
