//! How fast messages become clouds and clouds become messages: bytes of message per second, CDR
//! included, one thread, buffers reused.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use instanton::cloud::{Cloud, Colouring, DepthProjector, ImageGeometry, Labels, decode, decode_plain, label_cloud};
use instanton::ros::{
    CameraInfo, Coefficients, Header, ImageView, Message, PointCloud2View, PointField, Sequence, Time, datatype,
};
use std::hint::black_box;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// Message bytes with fields (name, offset, datatype) and pseudo-random content.
fn cloud_message(point_step: u32, fields: &[(&str, u32, u8)]) -> Vec<u8> {
    let fields: Vec<PointField> =
        fields.iter().map(|&(name, offset, datatype)| PointField { name, offset, datatype, count: 1 }).collect();
    let points = WIDTH * HEIGHT;
    let data: Vec<u8> = (0..points * point_step).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let view = PointCloud2View {
        header: Header { stamp: Time { sec: 1, nanosec: 2 }, frame_id: "sensor" },
        height: HEIGHT,
        width: WIDTH,
        fields: Sequence::listed(&fields),
        is_bigendian: false,
        point_step,
        row_step: WIDTH * point_step,
        data: &data,
        is_dense: false,
    };
    let mut message = Vec::new();
    view.encode(&mut message).expect("short enough");
    message
}

fn layouts() -> [(&'static str, Vec<u8>); 5] {
    use datatype::{FLOAT32 as F, FLOAT64 as D, UINT8 as B, UINT16 as S, UINT32 as U};
    let xyz = [("x", 0, F), ("y", 4, F), ("z", 8, F)];
    let with = |more: &[(&'static str, u32, u8)]| [&xyz, more].concat();
    [
        ("xyz 12 B", cloud_message(12, &xyz)),
        ("realsense 20 B", cloud_message(20, &with(&[("rgb", 16, F)]))),
        ("kinect 32 B", cloud_message(32, &with(&[("rgb", 16, F)]))),
        (
            "ouster 48 B",
            cloud_message(
                48,
                &with(&[
                    ("intensity", 16, F),
                    ("t", 20, U),
                    ("reflectivity", 24, S),
                    ("ring", 26, S),
                    ("range", 32, U),
                ]),
            ),
        ),
        ("f64 27 B unaligned", cloud_message(27, &[("x", 1, D), ("y", 9, D), ("z", 17, D), ("intensity", 25, B)])),
    ]
}

fn clouds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let mut cloud = Cloud::default();
    for (name, message) in layouts() {
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let view = PointCloud2View::decode(black_box(&message)).expect("valid");
                decode(&view, &mut cloud).expect("valid")
            });
        });
        group.bench_function(format!("{name}, plain path"), |bencher| {
            bencher.iter(|| {
                let view = PointCloud2View::decode(black_box(&message)).expect("valid");
                decode_plain(&view, &mut cloud).expect("valid")
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("label");
    let labels = Labels::unknown((WIDTH * HEIGHT) as usize);
    let mut out = Vec::new();
    for (name, message) in layouts() {
        let view = PointCloud2View::decode(&message).expect("valid");
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| label_cloud(black_box(&view), &labels, Colouring::Sensor, &mut out).expect("valid"));
        });
    }
    group.finish();
}

fn depth(criterion: &mut Criterion) {
    let data: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(|index| (500 + (index % 4000) as u16).to_le_bytes()).collect();
    let image = ImageView {
        header: Header::default(),
        height: HEIGHT,
        width: WIDTH,
        encoding: "16UC1",
        is_bigendian: false,
        step: WIDTH * 2,
        data: &data,
    };
    let camera = CameraInfo {
        height: HEIGHT,
        width: WIDTH,
        distortion_model: "plumb_bob",
        d: Coefficients::from_slice(&[-0.05, 0.06, 0.0002, 0.0004, -0.02]).expect("five"),
        k: [525.0, 0.0, 319.5, 0.0, 525.0, 239.5, 0.0, 0.0, 1.0],
        ..CameraInfo::default()
    };
    let mut group = criterion.benchmark_group("depth");
    group.throughput(Throughput::Bytes(data.len() as u64));
    let (mut projector, mut cloud) = (DepthProjector::new(), Cloud::default());
    group.bench_function("16UC1 640×480, rays kept", |bencher| {
        bencher.iter(|| {
            projector.project(black_box(&image), &camera, ImageGeometry::Raw, None, &mut cloud).expect("valid")
        });
    });
    group.bench_function("16UC1 640×480, rays anew", |bencher| {
        bencher.iter(|| {
            let mut projector = DepthProjector::new();
            projector.project(black_box(&image), &camera, ImageGeometry::Raw, None, &mut cloud).expect("valid")
        });
    });
    group.finish();
}

criterion_group!(benches, clouds, depth);
criterion_main!(benches);
