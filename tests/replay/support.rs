//! A small model and small recordings.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use instanton::cloud::Cloud;
use instanton::config::Config;
use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Weights, write_model};
use instanton::replay::{Event, Orientation, ReplayOptions, ReplaySummary, replay};
use instanton::ros::{
    CameraInfo, Coefficients, Header, ImageView, Message, PointCloud2View, PointField, Sequence, TfMessage, Time,
    TransformStamped, datatype,
};
use instanton::transport::{McapSink, RawMessage, Sink, SinkOptions, Topic, open_bag};

/// Seconds in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// When the recordings begin.
pub const START: i64 = 1_700_000_000 * SECOND;

/// An untrained network with 256 points per block: what it says means nothing, all else is as ever.
pub fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let level = |points, radius| LevelSpecification::ball(points, radius, 8);
        let levels = vec![level(64, 0.1), level(32, 0.2), level(16, 0.4), level(8, 0.8)];
        let architecture = Asis { points: 256, levels, ..Asis::default() }.architecture().unwrap();
        let parameters = Weights::untrained(&architecture, 5).fold(&architecture).unwrap();
        write_model(&place(), &architecture, &parameters, &ModelMetadata::s3dis()).unwrap()
    })
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("replay-model-{}", std::process::id()))
}

/// The folder of that model.
pub fn model_folder() -> PathBuf {
    model();
    place()
}

/// Few blocks a frame.
pub fn options(orientation: Orientation) -> ReplayOptions {
    let mut config = Config::default();
    config.blocks.maximum_per_frame = 4;
    config.blocks.minimum_points = 20;
    config.blocks.threads = 2;
    config.grouping.minimum_instance = 1;
    config.grouping.minimum_points = 1;
    ReplayOptions { orientation, config, ..ReplayOptions::default() }
}

/// Replays without an observer.
pub fn run(input: &Path, output: Option<&Path>, options: &ReplayOptions) -> ReplaySummary {
    replay(input, output, model(), options, &mut |_: Event<'_>| {}).unwrap()
}

/// Folder of real recordings; `None` (told) where there is none.
pub fn real_data() -> Option<PathBuf> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let data = root.join("data");
    if !data.is_dir() {
        println!("skipped: no {} (set INSTANTON_SHARED)", data.display());
        return None;
    }
    Some(data)
}

/// A floor and two walls, `count` points, as a sensor 1 m above the floor sees them (z up).
pub fn corner(count: usize) -> Vec<[f32; 3]> {
    let fraction = |value: f32| value - value.floor();
    let point = |index: usize| {
        let (u, v) = (fraction(index as f32 * 0.618_034), fraction(index as f32 * 0.754_878));
        match index % 3 {
            0 => [0.5 + 2.0 * u, 2.0 * v - 1.0, -1.0],
            1 => [2.5, 2.0 * u - 1.0, 2.0 * v - 1.0],
            _ => [0.5 + 2.0 * u, 1.0, 2.0 * v - 1.0],
        }
    };
    (0..count).map(point).collect()
}

/// A recording in the making.
pub struct Bag {
    sink: McapSink,
    bytes: Vec<u8>,
}

pub fn time(stamp: i64) -> Time {
    Time::from_nanoseconds(stamp)
}

impl Bag {
    pub fn create(path: &Path) -> Self {
        Self { sink: McapSink::create(path, SinkOptions::default()).unwrap(), bytes: Vec::new() }
    }

    pub fn raw(&mut self, topic: &str, of: &str, log_time: i64, data: &[u8]) {
        let topic = self.sink.add_topic(&Topic::new(topic, of)).unwrap();
        let log_time = log_time as u64;
        self.sink.write(RawMessage { topic, log_time, publish_time: log_time - 1, data }).unwrap();
    }

    fn message<'m, M: Message<'m>>(&mut self, topic: &str, log_time: i64, message: &M) {
        let mut bytes = std::mem::take(&mut self.bytes);
        message.encode(&mut bytes).unwrap();
        self.raw(topic, M::TYPE.name, log_time, &bytes);
        self.bytes = bytes;
    }

    /// A cloud of x, y, z and an intensity that numbers the points.
    pub fn points(&mut self, topic: &str, log_time: i64, stamp: i64, frame: &str, points: &[[f32; 3]]) {
        self.cloud_message(topic, log_time, stamp, frame, points, |_| {});
    }

    pub fn cloud_message(
        &mut self,
        topic: &str,
        log_time: i64,
        stamp: i64,
        frame: &str,
        points: &[[f32; 3]],
        change: impl FnOnce(&mut PointCloud2View<'_>),
    ) {
        let field = |name, offset| PointField { name, offset, datatype: datatype::FLOAT32, count: 1 };
        let fields = [field("x", 0), field("y", 4), field("z", 8), field("intensity", 12)];
        let bytes = |(index, [x, y, z]): (usize, &[f32; 3])| [*x, *y, *z, index as f32].map(f32::to_le_bytes);
        let data: Vec<u8> = points.iter().enumerate().flat_map(bytes).flatten().collect();
        let width = points.len() as u32;
        let mut view = PointCloud2View {
            header: Header { stamp: time(stamp), frame_id: frame },
            height: 1,
            width,
            fields: Sequence::listed(&fields),
            is_bigendian: false,
            point_step: 16,
            row_step: width * 16,
            data: &data,
            is_dense: true,
        };
        change(&mut view);
        self.message(topic, log_time, &view);
    }

    /// A transform that lifts by `height`.
    pub fn transform(&mut self, topic: &str, log_time: i64, stamp: i64, parent: &str, child: &str, height: f64) {
        let transform = TransformStamped {
            header: Header { stamp: time(stamp), frame_id: parent },
            child_frame_id: child,
            translation: [0.0, 0.0, height],
            rotation: [0.0, 0.0, 0.0, 1.0],
        };
        self.message(topic, log_time, &TfMessage { transforms: Sequence::listed(&[transform]) });
    }

    pub fn camera_info(&mut self, topic: &str, log_time: i64, frame: &str, focal: f64) {
        let info = CameraInfo {
            header: Header { stamp: time(log_time), frame_id: frame },
            height: 24,
            width: 32,
            distortion_model: "plumb_bob",
            d: Coefficients::NONE,
            k: [focal, 0.0, 16.0, 0.0, focal, 12.0, 0.0, 0.0, 1.0],
            ..CameraInfo::default()
        };
        self.message(topic, log_time, &info);
    }

    /// An image of 32 × 24 pixels, `bytes` each, filled with a ramp.
    pub fn image(&mut self, topic: &str, log_time: i64, frame: &str, encoding: &str, bytes: u32) {
        let data: Vec<u8> = (0..32 * 24 * bytes).map(|at| if at % 2 == 1 { 8 } else { (at / 7 % 200) as u8 }).collect();
        let image = ImageView {
            header: Header { stamp: time(log_time), frame_id: frame },
            height: 24,
            width: 32,
            encoding,
            is_bigendian: false,
            step: 32 * bytes,
            data: &data,
        };
        self.message(topic, log_time, &image);
    }

    pub fn finish(self) {
        Box::new(self.sink).finish().unwrap();
    }
}

/// A message as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub topic: String,
    pub log_time: u64,
    pub data: Vec<u8>,
}

/// All messages of a bag that must be undamaged.
pub fn read(path: &Path) -> Vec<Read> {
    let mut source = open_bag(path).unwrap();
    let mut messages = Vec::new();
    while source.advance().unwrap() {
        let message = source.current();
        let topic = source.topics()[message.topic].name.clone();
        messages.push(Read { topic, log_time: message.log_time, data: message.data.to_vec() });
    }
    assert!(source.damage().is_empty(), "{:?}", source.damage());
    messages
}

/// The points of a cloud message.
pub fn decode(data: &[u8]) -> Cloud {
    let mut cloud = Cloud::default();
    instanton::cloud::decode(&PointCloud2View::decode(data).unwrap(), &mut cloud).unwrap();
    cloud
}

/// Coordinates bit by bit: NaN equals itself.
pub fn bits(cloud: &Cloud) -> Vec<[u32; 3]> {
    cloud.position.iter().map(|position| position.map(f32::to_bits)).collect()
}

/// One column of a labelled cloud as numbers.
pub fn column(data: &[u8], name: &str) -> Vec<f64> {
    let view = PointCloud2View::decode(data).unwrap();
    let field = view.fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no field {name}"));
    let point = |point: &[u8]| {
        let at = &point[field.offset as usize..];
        match field.datatype {
            datatype::UINT16 => f64::from(u16::from_le_bytes([at[0], at[1]])),
            datatype::UINT32 => f64::from(u32::from_le_bytes([at[0], at[1], at[2], at[3]])),
            datatype::FLOAT32 => f64::from(f32::from_le_bytes([at[0], at[1], at[2], at[3]])),
            other => panic!("{name} has type {other}"),
        }
    };
    view.data.chunks_exact(view.point_step as usize).map(point).collect()
}
