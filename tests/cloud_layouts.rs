//! PointCloud2 as real drivers lay it out, as nobody should, and as it comes damaged.

use instanton::cloud::{
    Cloud, CloudError, CloudLayout, Colouring, DepthProjector, ImageGeometry, Labels, Scalar, check, decode,
    decode_plain, instance_colour, label_cloud, label_organised,
};
use instanton::ros::{
    CameraInfo, CdrError, Header, ImageView, Message, PointCloud2View, PointField, Sequence, TfMessage, Time,
    datatype::*,
};
use proptest::prelude::*;
use std::path::PathBuf;

/// A cloud message that a test can take apart.
#[derive(Clone, Debug)]
struct Parts {
    height: u32,
    width: u32,
    fields: Vec<(String, u32, u8, u32)>,
    is_bigendian: bool,
    point_step: u32,
    row_step: u32,
    data: Vec<u8>,
}

impl Parts {
    /// One row of `width` points, all bytes zero.
    fn new(width: u32, point_step: u32, fields: &[(&str, u32, u8)]) -> Self {
        Self {
            height: 1,
            width,
            fields: fields.iter().map(|&(name, offset, kind)| (name.to_owned(), offset, kind, 1)).collect(),
            is_bigendian: false,
            point_step,
            row_step: width * point_step,
            data: vec![0; (width * point_step) as usize],
        }
    }

    fn put<const N: usize>(&mut self, point: usize, name: &str, mut little_endian: [u8; N]) {
        if self.is_bigendian {
            little_endian.reverse();
        }
        let (row, column) = (point / self.width as usize, point % self.width as usize);
        let offset = self.fields.iter().find(|field| field.0 == name).unwrap().1 as usize;
        let at = row * self.row_step as usize + column * self.point_step as usize + offset;
        self.data[at..at + N].copy_from_slice(&little_endian);
    }

    fn put_xyz(&mut self, point: usize, position: [f32; 3]) {
        for (name, value) in ["x", "y", "z"].iter().zip(position) {
            if self.fields.iter().any(|field| field.0 == *name && field.2 == FLOAT64) {
                self.put(point, name, f64::from(value).to_le_bytes());
            } else {
                self.put(point, name, value.to_le_bytes());
            }
        }
    }

    /// Hands out a view that has been through CDR.
    fn view<T>(&self, use_view: impl FnOnce(&PointCloud2View<'_>) -> T) -> T {
        let fields: Vec<PointField<'_>> = self
            .fields
            .iter()
            .map(|(name, offset, datatype, count)| PointField {
                name,
                offset: *offset,
                datatype: *datatype,
                count: *count,
            })
            .collect();
        let view = PointCloud2View {
            header: Header { stamp: Time { sec: 7, nanosec: 8 }, frame_id: "sensor" },
            height: self.height,
            width: self.width,
            fields: Sequence::listed(&fields),
            is_bigendian: self.is_bigendian,
            point_step: self.point_step,
            row_step: self.row_step,
            data: &self.data,
            is_dense: false,
        };
        let mut message = Vec::new();
        view.encode(&mut message).unwrap();
        let decoded = PointCloud2View::decode(&message).unwrap();
        assert_eq!(decoded, view);
        use_view(&decoded)
    }

    fn decode(&self) -> Result<(Cloud, CloudLayout), CloudError> {
        self.view(|view| {
            let mut cloud = Cloud { position: vec![[9.0; 3]; 3], colour: Some(vec![[9; 3]; 3]) };
            let layout = decode(view, &mut cloud)?;
            Ok((cloud, layout))
        })
    }
}

/// Positions of the test points; every number is exact in f32.
const POSITION: [[f32; 3]; 3] = [[1.5, -2.25, 0.125], [f32::NAN, 0.0, f32::INFINITY], [-8.0, 100.5, 3.0]];
/// Packed colour 0xAARRGGBB.
const PACKED: u32 = 0xFF0A_141E;
const RGB: [u8; 3] = [10, 20, 30];

fn same_bits(a: &[[f32; 3]], b: &[[f32; 3]]) -> bool {
    let bits = |points: &[[f32; 3]]| points.iter().flatten().map(|value| value.to_bits()).collect::<Vec<_>>();
    bits(a) == bits(b)
}

/// Decodes three points of a driver's layout and returns what was found.
fn decode_driver(point_step: u32, fields: &[(&str, u32, u8)], colour: Option<&str>) -> (Cloud, CloudLayout) {
    let mut parts = Parts::new(3, point_step, fields);
    for (point, position) in POSITION.iter().enumerate() {
        parts.put_xyz(point, *position);
        if let Some(name) = colour {
            parts.put(point, name, PACKED.to_le_bytes());
        }
    }
    let (cloud, layout) = parts.decode().unwrap();
    assert_eq!(cloud.len(), 3);
    assert!(same_bits(&cloud.position[..1], &POSITION[..1]) && same_bits(&cloud.position[2..], &POSITION[2..]));
    assert!(cloud.position[1][0].is_nan() && cloud.position[1][2] == f32::INFINITY);
    assert_eq!(cloud.colour, colour.map(|_| vec![RGB; 3]));
    (cloud, layout)
}

#[test]
fn ouster() {
    let fields = [
        ("x", 0, FLOAT32),
        ("y", 4, FLOAT32),
        ("z", 8, FLOAT32),
        ("intensity", 16, FLOAT32),
        ("t", 20, UINT32),
        ("reflectivity", 24, UINT16),
        ("ring", 26, UINT16),
        ("ambient", 28, UINT16),
        ("range", 32, UINT32),
    ];
    let (_, layout) = decode_driver(48, &fields, None);
    let time = layout.time.unwrap();
    assert_eq!((time.name, time.column.offset, time.column.scalar), ("t", 20, Scalar::U32));
    assert_eq!(layout.ring.unwrap().scalar, Scalar::U16);
    assert_eq!(layout.intensity.unwrap().offset, 16);
}

#[test]
fn velodyne() {
    let fields = [
        ("x", 0, FLOAT32),
        ("y", 4, FLOAT32),
        ("z", 8, FLOAT32),
        ("intensity", 12, FLOAT32),
        ("ring", 16, UINT16),
        ("time", 18, FLOAT32),
    ];
    let (_, layout) = decode_driver(22, &fields, None);
    assert_eq!(layout.time.unwrap().name, "time");
    assert_eq!(layout.time.unwrap().column.offset, 18);
}

#[test]
fn livox() {
    let fields = [
        ("x", 0, FLOAT32),
        ("y", 4, FLOAT32),
        ("z", 8, FLOAT32),
        ("intensity", 12, FLOAT32),
        ("tag", 16, UINT8),
        ("line", 17, UINT8),
        ("timestamp", 18, FLOAT64),
    ];
    let (_, layout) = decode_driver(26, &fields, None);
    assert_eq!(layout.ring.unwrap().scalar, Scalar::U8);
    assert_eq!(layout.time.unwrap().column.scalar, Scalar::F64);

    let mut parts = Parts::new(2, 26, &fields);
    parts.put(1, "timestamp", 1.7e18f64.to_le_bytes());
    parts.put(1, "line", [3]);
    let (_, layout) = parts.decode().unwrap();
    let values = |column| layout.values(&parts.data, column).collect::<Vec<_>>();
    assert_eq!(values(layout.time.unwrap().column), [0.0, 1.7e18]);
    assert_eq!(values(layout.ring.unwrap()), [0.0, 3.0]);
}

#[test]
fn realsense() {
    let fields = [("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgb", 16, FLOAT32)];
    decode_driver(20, &fields, Some("rgb"));
}

#[test]
fn zed() {
    // The name says rgb and float, the bytes are b, g, r, a.
    let fields = [("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgb", 12, FLOAT32)];
    decode_driver(16, &fields, Some("rgb"));
}

#[test]
fn pcl_rgba_as_integer() {
    let fields = [("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgba", 16, UINT32)];
    decode_driver(32, &fields, Some("rgba"));
}

#[test]
fn autoware() {
    let fields = [
        ("x", 0, FLOAT32),
        ("y", 4, FLOAT32),
        ("z", 8, FLOAT32),
        ("intensity", 12, UINT8),
        ("return_type", 13, UINT8),
        ("channel", 14, UINT16),
        ("azimuth", 16, FLOAT32),
        ("elevation", 20, FLOAT32),
        ("distance", 24, FLOAT32),
        ("time_stamp", 28, UINT32),
    ];
    let (_, layout) = decode_driver(32, &fields, None);
    assert_eq!(layout.intensity.unwrap().scalar, Scalar::U8);
    assert_eq!(layout.ring.unwrap().offset, 14);
    assert_eq!(layout.time.unwrap().name, "time_stamp");
}

#[test]
fn any_order_unaligned_doubles() {
    let fields = [("z", 3, FLOAT64), ("intensity", 11, UINT16), ("x", 13, FLOAT64), ("y", 21, FLOAT64)];
    decode_driver(31, &fields, None);
}

#[test]
fn separate_bytes_and_three_byte_rgb() {
    let fields =
        [("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("b", 12, UINT8), ("r", 13, UINT8), ("g", 15, UINT8)];
    let mut parts = Parts::new(1, 16, &fields);
    for (name, value) in ["r", "g", "b"].iter().zip(RGB) {
        parts.put(0, name, [value]);
    }
    assert_eq!(parts.decode().unwrap().0.colour, Some(vec![RGB]));
    parts.fields.truncate(3);
    parts.fields.push(("rgb".into(), 12, UINT8, 3));
    parts.put(0, "rgb", RGB);
    assert_eq!(parts.decode().unwrap().0.colour, Some(vec![RGB]));
    // Two of three are no colour.
    parts.fields[3] = ("r".into(), 12, UINT8, 1);
    assert_eq!(parts.decode().unwrap().0.colour, None);
}

#[test]
fn first_of_equal_names_and_first_of_many_values() {
    let mut parts = Parts::new(1, 40, &[("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("_", 12, UINT8)]);
    parts.put_xyz(0, [1.0, 2.0, 3.0]);
    parts.fields.push(("x".into(), 20, FLOAT32, 1));
    parts.fields.push(("_".into(), 24, UINT8, 4));
    parts.fields[1].3 = 2; // y has two values
    parts.fields[2].3 = 0; // old PCL wrote 0 for 1
    let (cloud, _) = parts.decode().unwrap();
    assert_eq!(cloud.position, [[1.0, 2.0, 3.0]]);
}

#[test]
fn what_no_cloud_can_be_is_a_typed_error() {
    let good = Parts::new(4, 16, &[("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgb", 12, FLOAT32)]);
    good.decode().unwrap();
    let broken = |change: &dyn Fn(&mut Parts)| {
        let mut parts = good.clone();
        change(&mut parts);
        let plain = parts.view(|view| decode_plain(view, &mut Cloud::default()).unwrap_err());
        let error = parts.decode().unwrap_err();
        assert_eq!(plain, error);
        let labels = Labels::unknown(4);
        let labelled = parts.view(|view| label_cloud(view, &labels, Colouring::Sensor, &mut Vec::new()).unwrap_err());
        assert_eq!(labelled, error);
        error
    };
    let error = broken(&|parts| (parts.width, parts.height) = (u32::MAX, u32::MAX));
    assert!(matches!(error, CloudError::RowStep { .. }), "{error}");
    let error = broken(&|parts| (parts.height, parts.row_step) = (u32::MAX, u32::MAX));
    assert!(matches!(error, CloudError::DataLength { actual: 64, .. }), "{error}");
    let error = broken(&|parts| parts.row_step = 63);
    assert!(matches!(error, CloudError::RowStep { needed: 64, .. }), "{error}");
    let error = broken(&|parts| parts.row_step = 0);
    assert!(matches!(error, CloudError::RowStep { needed: 64, .. }), "{error}");
    let error = broken(&|parts| parts.data.truncate(63));
    assert!(matches!(error, CloudError::DataLength { actual: 63, needed: 64, .. }), "{error}");
    let error = broken(&|parts| parts.point_step = 0);
    assert!(matches!(error, CloudError::FieldOutsidePoint { point_step: 0, .. }), "{error}");
    let error = broken(&|parts| parts.fields[2].1 = 13);
    assert!(matches!(error, CloudError::FieldOutsidePoint { end: 17, .. }), "{error}");
    let error = broken(&|parts| parts.fields[3].1 = u32::MAX);
    assert!(matches!(error, CloudError::FieldOutsidePoint { .. }), "{error}");
    let error = broken(&|parts| parts.fields[3].3 = u32::MAX);
    assert!(matches!(error, CloudError::FieldOutsidePoint { .. }), "{error}");
    let error = broken(&|parts| parts.fields[0].2 = INT32);
    assert!(matches!(error, CloudError::FieldType { .. }), "{error}");
    let error = broken(&|parts| parts.fields[0].2 = 77);
    assert!(matches!(error, CloudError::FieldType { datatype: 77, .. }), "{error}");
    let error = broken(&|parts| parts.fields[3].2 = INT16);
    assert!(matches!(error, CloudError::FieldType { .. }), "{error}");
    let error = broken(&|parts| parts.fields[1].0 = "Y".into());
    assert_eq!(error.to_string(), "PointCloud2 has no field y; it has: x, Y, z, rgb");
    let error = broken(&|parts| parts.fields.clear());
    assert_eq!(error.to_string(), "PointCloud2 has no field x; it has: none");
}

#[test]
fn no_points_is_a_cloud() {
    let mut parts = Parts::new(0, 16, &[("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgb", 12, FLOAT32)]);
    let (cloud, _) = parts.decode().unwrap();
    assert_eq!(cloud, Cloud { position: vec![], colour: Some(vec![]) });
    (parts.height, parts.width, parts.row_step) = (0, u32::MAX / 16, u32::MAX);
    assert!(parts.decode().unwrap().0.is_empty());
    parts.view(|view| {
        let mut out = Vec::new();
        // The row would not fit the message.
        let error = label_cloud(view, &Labels::default(), Colouring::Sensor, &mut out).unwrap_err();
        assert!(matches!(error, CloudError::TooLarge { .. }), "{error}");
    });
}

#[test]
fn an_error_leaves_the_cloud_as_it_was() {
    let mut parts = Parts::new(1, 12, &[("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32)]);
    parts.data.clear();
    let before = Cloud { position: vec![[1.0; 3]], colour: Some(vec![[1; 3]]) };
    let mut cloud = before.clone();
    parts.view(|view| decode(view, &mut cloud).unwrap_err());
    assert_eq!(cloud, before);
}

/// Layouts of every kind that can be, filled with random bytes.
fn any_parts() -> impl Strategy<Value = Parts> {
    let sizes = (0u32..5, 0u32..40, 0u32..6, any::<bool>());
    let kinds = (any::<bool>(), 0usize..6, 0u32..4, any::<bool>());
    (sizes, kinds, any::<u64>()).prop_map(
        |((height, width, padding, is_bigendian), (double, colour, gap, reversed), seed)| {
            let mut names = vec!["x", "y", "z"];
            if reversed {
                names.reverse();
            }
            let mut fields = Vec::new();
            let mut offset = gap;
            for name in names {
                let (kind, size) = if double { (FLOAT64, 8) } else { (FLOAT32, 4) };
                fields.push((name.to_owned(), offset, kind, 1));
                offset += size;
            }
            offset += gap;
            let packed = [("rgb", FLOAT32), ("rgba", UINT32), ("rgb", INT32)];
            match colour {
                0..=2 => {
                    fields.push((packed[colour].0.to_owned(), offset, packed[colour].1, 1));
                    offset += 4;
                }
                3 => {
                    for name in ["g", "r", "b"] {
                        fields.push((name.to_owned(), offset, UINT8, 1));
                        offset += 1;
                    }
                }
                _ => {}
            }
            let point_step = offset + gap * 2;
            let row_step = width * point_step + padding;
            let mut state = seed;
            let data = (0..height * row_step)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 56) as u8
                })
                .collect();
            Parts { height, width, fields, is_bigendian, point_step, row_step, data }
        },
    )
}

proptest! {
    #[test]
    fn fast_path_is_the_plain_path(parts in any_parts()) {
        parts.view(|view| {
            let (mut fast, mut plain) = (Cloud::default(), Cloud::default());
            let layout = decode(view, &mut fast).unwrap();
            assert_eq!(decode_plain(view, &mut plain).unwrap(), layout);
            assert!(same_bits(&fast.position, &plain.position));
            assert_eq!(fast.colour, plain.colour);
            assert_eq!(fast.len(), (parts.width * parts.height) as usize);
        });
    }

    #[test]
    fn labelling_keeps_every_point(parts in any_parts(), seed: u32, colouring in 0usize..3) {
        let points = (parts.width * parts.height) as usize;
        let labels = Labels {
            class: (0..points).map(|index| (index as u16).wrapping_mul(40_503) ^ seed as u16).collect(),
            instance: (0..points).map(|index| (index as u32).wrapping_mul(2_654_435_761) ^ seed).collect(),
            confidence: (0..points).map(|index| index as f32 / 64.0).collect(),
        };
        let colouring = [Colouring::Sensor, Colouring::Class(&[[1, 2, 3], [4, 5, 6]]), Colouring::Instance][colouring];
        parts.view(|view| {
            let (mut before, mut after) = (Cloud::default(), Cloud::default());
            decode(view, &mut before).unwrap();
            let mut out = vec![1, 2, 3];
            label_cloud(view, &labels, colouring, &mut out).unwrap();
            let labelled = PointCloud2View::decode(&out).unwrap();
            let layout = decode(&labelled, &mut after).unwrap();
            assert!(same_bits(&before.position, &after.position));
            match colouring {
                Colouring::Sensor => assert_eq!(before.colour, after.colour),
                Colouring::Instance => {
                    let expected = labels.instance.iter().map(|id| instance_colour(*id)).collect();
                    assert_eq!(after.colour, Some(expected));
                }
                _ => assert_eq!(after.colour.as_ref().unwrap().len(), points),
            }
            assert_eq!((labelled.header, labelled.width, labelled.height), (view.header, view.width, view.height));
            assert_eq!(labelled.is_bigendian, view.is_bigendian);
            for field in view.fields {
                assert!(labelled.fields.iter().any(|kept| kept == field));
            }
            let read = |name: &str| {
                let field = labelled.fields.iter().find(|field| field.name == name).unwrap();
                let scalar = Scalar::from_datatype(field.datatype).unwrap();
                let column = instanton::cloud::Column { offset: field.offset as usize, scalar, big_endian: view.is_bigendian };
                layout.values(labelled.data, column).collect::<Vec<_>>()
            };
            assert_eq!(read("label"), labels.class.iter().map(|class| f64::from(*class)).collect::<Vec<_>>());
            assert_eq!(read("instance"), labels.instance.iter().map(|id| f64::from(*id)).collect::<Vec<_>>());
            assert_eq!(read("confidence"), labels.confidence.iter().map(|value| f64::from(*value)).collect::<Vec<_>>());

            // Once labelled, a cloud does not grow, and other labels replace the first.
            let zero = Labels::unknown(points);
            let mut again = Vec::new();
            label_cloud(&labelled, &zero, colouring, &mut again).unwrap();
            assert_eq!(again.len(), out.len());
            let mut back = Vec::new();
            label_cloud(&PointCloud2View::decode(&again).unwrap(), &labels, colouring, &mut back).unwrap();
            assert_eq!(back, out);
        });
    }

    #[test]
    fn damage_never_panics(parts in any_parts(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut: prop::sample::Index) {
        let mut message = parts.view(|view| {
            let mut message = Vec::new();
            view.encode(&mut message).unwrap();
            message
        });
        for (at, value) in flips {
            // The envelope, mostly: data bytes cannot break anything.
            let at = at.index(message.len().min(300));
            message[at] ^= value;
        }
        let length = message.len();
        for message in [&message[..], &message[..cut.index(length)]] {
            if let Ok(view) = PointCloud2View::decode(message) {
                let (mut fast, mut plain) = (Cloud::default(), Cloud::default());
                let result = decode(&view, &mut fast);
                assert_eq!(result, decode_plain(&view, &mut plain));
                assert!(same_bits(&fast.position, &plain.position));
                let _ = label_cloud(&view, &Labels::unknown(fast.len()), Colouring::Instance, &mut Vec::new());
            }
        }
    }
}

#[test]
fn fields_of_our_names_and_other_types_leave_the_list() {
    let fields = [
        ("x", 0, FLOAT32),
        ("y", 4, FLOAT32),
        ("z", 8, FLOAT32),
        ("label", 12, UINT32),
        ("instance", 16, UINT32),
        ("instance", 20, UINT32),
    ];
    let parts = Parts::new(2, 24, &fields);
    parts.view(|view| {
        let mut out = Vec::new();
        let labels = Labels { class: vec![3, 4], instance: vec![5, 6], confidence: vec![0.5, 0.25] };
        label_cloud(view, &labels, Colouring::Sensor, &mut out).unwrap();
        let labelled = PointCloud2View::decode(&out).unwrap();
        let found: Vec<_> = labelled.fields.iter().map(|field| (field.name, field.offset, field.datatype)).collect();
        let expected = [
            ("x", 0, FLOAT32),
            ("y", 4, FLOAT32),
            ("z", 8, FLOAT32),
            ("instance", 16, UINT32),
            ("label", 24, UINT16),
            ("confidence", 28, FLOAT32),
        ];
        assert_eq!(found, expected);
        assert_eq!(labelled.point_step, 32);
        assert_eq!(labelled.data[16], 5);
        assert_eq!(labelled.data[32 + 24], 4);
    });
    let wrong = Labels { class: vec![3, 4], instance: vec![5], confidence: vec![0.5, 0.25] };
    let error = parts.view(|view| label_cloud(view, &wrong, Colouring::Sensor, &mut Vec::new()).unwrap_err());
    assert_eq!(error, CloudError::LabelCount { column: "instance", expected: 2, actual: 1 });
}

#[test]
fn organised_output_of_a_depth_frame() {
    let cloud = Cloud { position: vec![[1.0, 2.0, 3.0], [f32::NAN; 3]], colour: Some(vec![RGB, [0; 3]]) };
    let labels = Labels { class: vec![7, u16::MAX], instance: vec![9, 0], confidence: vec![0.75, 0.0] };
    let header = Header { stamp: Time { sec: 1, nanosec: 0 }, frame_id: "camera" };
    let mut out = Vec::new();
    label_organised(header, 1, 2, &cloud, &labels, Colouring::Sensor, &mut out).unwrap();
    let view = PointCloud2View::decode(&out).unwrap();
    assert_eq!((view.width, view.height, view.point_step, view.is_dense), (1, 2, 28, false));
    let names: Vec<_> = view.fields.iter().map(|field| field.name).collect();
    assert_eq!(names, ["x", "y", "z", "rgb", "label", "instance", "confidence"]);
    let mut back = Cloud::default();
    decode(&view, &mut back).unwrap();
    assert!(same_bits(&back.position, &cloud.position));
    assert_eq!(back.colour, cloud.colour);
    assert_eq!(view.data[16..18], 7u16.to_le_bytes());
    assert_eq!(view.data[20..24], 9u32.to_le_bytes());
    let error = label_organised(header, 3, 1, &cloud, &labels, Colouring::Sensor, &mut out).unwrap_err();
    assert!(matches!(error, CloudError::LabelCount { .. }), "{error}");

    let grey = Cloud { colour: None, ..cloud };
    label_organised(header, 2, 1, &grey, &labels, Colouring::Sensor, &mut out).unwrap();
    assert_eq!(PointCloud2View::decode(&out).unwrap().point_step, 24);
    label_organised(header, 2, 1, &grey, &labels, Colouring::Class(&[[1, 2, 3]; 8]), &mut out).unwrap();
    decode(&PointCloud2View::decode(&out).unwrap(), &mut back).unwrap();
    assert_eq!(back.colour, Some(vec![[1, 2, 3], [0; 3]]));
}

/// Every message of a real bag as (topic, schema name, CDR bytes); `None`, said aloud, without the bags.
fn bag(name: &str) -> Option<Vec<(String, String, Vec<u8>)>> {
    let shared = std::env::var_os("INSTANTON_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = shared.join("data/bags").join(name).join(format!("{name}_0.mcap"));
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let messages = mcap::MessageStream::new(&bytes).unwrap().map(|message| {
        let message = message.unwrap();
        let schema = message.channel.schema.as_ref().unwrap();
        (message.channel.topic.clone(), schema.name.clone(), message.data.into_owned())
    });
    Some(messages.collect())
}

/// Decoding and encoding again gives the bytes of the bag, apart from padding at the end.
fn round_trip<'a, M: Message<'a>>(bytes: &'a [u8]) -> M {
    let message = M::decode(bytes).unwrap();
    let mut again = Vec::new();
    message.encode(&mut again).unwrap();
    assert_eq!(&again[..], &bytes[..again.len()]);
    assert!(bytes.len() - again.len() < 4);
    message
}

fn check_clouds(name: &str) -> Vec<(Cloud, CloudLayout)> {
    let mut clouds = Vec::new();
    for (topic, schema, bytes) in bag(name).unwrap_or_default() {
        match schema.as_str() {
            "sensor_msgs/msg/PointCloud2" => {
                let view: PointCloud2View<'_> = round_trip(&bytes);
                let (mut cloud, mut plain) = (Cloud::default(), Cloud::default());
                let layout = decode(&view, &mut cloud).unwrap();
                decode_plain(&view, &mut plain).unwrap();
                assert!(same_bits(&cloud.position, &plain.position) && cloud.colour == plain.colour);
                let mut out = Vec::new();
                label_cloud(&view, &Labels::unknown(cloud.len()), Colouring::Instance, &mut out).unwrap();
                let labelled = PointCloud2View::decode(&out).unwrap();
                decode(&labelled, &mut plain).unwrap();
                assert!(same_bits(&cloud.position, &plain.position));
                clouds.push((cloud, layout));
            }
            "tf2_msgs/msg/TFMessage" => assert!(!round_trip::<TfMessage<'_>>(&bytes).transforms.is_empty()),
            other => panic!("{topic}: {other}"),
        }
    }
    clouds
}

#[test]
fn real_ouster_bag() {
    let clouds = check_clouds("ouster_os0_indoor_mcap");
    for (cloud, layout) in &clouds {
        assert_eq!((layout.width * layout.height, layout.point_step), (128 * 1024, 48));
        assert_eq!((layout.time.unwrap().name, layout.ring.is_some(), cloud.colour.is_some()), ("t", true, false));
        let summary = check(cloud, &Default::default(), &mut Vec::new());
        assert!(summary.valid > 10_000, "{summary:?}");
        assert_eq!(summary.too_large, 0);
    }
    assert!(clouds.is_empty() || clouds.len() == 3);
}

#[test]
fn real_kinect_points_bag() {
    let clouds = check_clouds("kinect_points_7frames_mcap");
    for (cloud, layout) in &clouds {
        assert_eq!((layout.width, layout.height), (640, 480));
        let summary = check(cloud, &Default::default(), &mut Vec::new());
        assert!(summary.valid > 100_000 && summary.valid + summary.not_finite == 307_200, "{summary:?}");
    }
    assert!(clouds.is_empty() || clouds.len() == 7);
    assert!(clouds.is_empty() || clouds.iter().any(|(cloud, _)| cloud.colour.is_some()));
}

#[test]
fn real_depth_bag() {
    let messages = bag("kinect_rgbd_3frames_mcap").unwrap_or_default();
    let of = |topic: &str| {
        messages.iter().filter(|message| message.0 == topic).map(|message| &message.2[..]).collect::<Vec<_>>()
    };
    let depth = of("/camera/depth_registered/image_raw");
    let (colour, camera) = (of("/camera/rgb/image_raw"), of("/camera/depth_registered/camera_info"));
    let (mut projector, mut cloud) = (DepthProjector::new(), Cloud::default());
    for ((depth, colour), camera) in depth.iter().zip(&colour).zip(&camera) {
        let (depth, colour) = (round_trip::<ImageView<'_>>(depth), round_trip::<ImageView<'_>>(colour));
        let camera = round_trip::<CameraInfo<'_>>(camera);
        projector.project(&depth, &camera, ImageGeometry::Raw, Some(&colour), &mut cloud).unwrap();
        assert_eq!((cloud.len(), cloud.colour.as_ref().unwrap().len()), (307_200, 307_200));
        let summary = check(&cloud, &Default::default(), &mut Vec::new());
        assert!(summary.valid > 50_000 && summary.too_large == 0, "{summary:?}");
        // The pinhole formula at one pixel with depth.
        let pixel = cloud.position.iter().position(|position| position[2].is_finite()).unwrap();
        let z = f64::from(u16::from_le_bytes([depth.data[2 * pixel], depth.data[2 * pixel + 1]])) / 1000.0;
        let x = ((pixel % 640) as f64 - camera.k[2]) / camera.k[0] * z;
        assert!((f64::from(cloud.position[pixel][0]) - x).abs() < 1e-5);
        assert_eq!(cloud.colour.as_ref().unwrap()[pixel], colour.data[3 * pixel..3 * pixel + 3]);
    }
    assert!(messages.is_empty() || (depth.len(), projector.tables_built()) == (3, 1));
    for (_, _, bytes) in messages.iter().filter(|message| message.1 == "tf2_msgs/msg/TFMessage") {
        round_trip::<TfMessage<'_>>(bytes);
    }
}

#[test]
fn truncated_real_messages_are_typed_errors() {
    for (_, schema, bytes) in bag("kinect_rgbd_3frames_mcap").unwrap_or_default() {
        let cuts = (0..bytes.len().min(600)).chain([bytes.len() / 2, bytes.len().saturating_sub(100)]);
        for cut in cuts.filter(|cut| cut + 4 <= bytes.len()) {
            let bytes = &bytes[..cut];
            let error = match schema.as_str() {
                "sensor_msgs/msg/Image" => ImageView::decode(bytes).err(),
                "sensor_msgs/msg/CameraInfo" => CameraInfo::decode(bytes).err(),
                _ => TfMessage::decode(bytes).err(),
            };
            assert!(matches!(error, Some(CdrError::Truncated { .. })), "{schema} cut at {cut}");
        }
    }
}

#[test]
fn buffers_are_reused() {
    let fields = [("x", 0, FLOAT32), ("y", 4, FLOAT32), ("z", 8, FLOAT32), ("rgb", 12, FLOAT32)];
    let parts = Parts::new(1000, 16, &fields);
    let labels = Labels::unknown(1000);
    let (mut cloud, mut out) = (Cloud::default(), Vec::new());
    let mut addresses = Vec::new();
    for _ in 0..3 {
        parts.view(|view| {
            decode(view, &mut cloud).unwrap();
            label_cloud(view, &labels, Colouring::Instance, &mut out).unwrap();
        });
        addresses.push((cloud.position.as_ptr(), cloud.colour.as_ref().unwrap().as_ptr(), out.as_ptr()));
    }
    assert!(addresses.iter().all(|address| *address == addresses[0]));
}
