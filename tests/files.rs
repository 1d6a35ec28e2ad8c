//! Cloud files: what is written is read, other readers agree, damage is a typed error.

use std::path::{Path, PathBuf};

use instanton::cloud::{Cloud, LabelledCloud, Labels};
use instanton::transport::{
    Column, FileCloud, FileError, FileFormat, LabelledPoints, ScalarType, open_cloud, open_room, write_cloud,
    write_room,
};
use proptest::prelude::*;

fn data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = root.join("data").join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no {} (set INSTANTON_SHARED)", folder.display());
    None
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn finite(cloud: &Cloud) -> usize {
    cloud.position.iter().filter(|point| point.iter().all(|value| value.is_finite())).count()
}

#[test]
fn real_clouds_read() {
    for name in ["kinect", "laser"] {
        let Some(folder) = data(name) else { continue };
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "pcd") {
                continue;
            }
            seen += 1;
            if path.file_name().unwrap() == "stereo_left.pcd" {
                let error = open_cloud(&path).unwrap_err();
                assert!(matches!(error, FileError::NoPosition { .. }), "{error}");
                assert!(error.to_string().contains("rgba"), "{error}");
                continue;
            }
            let file = open_cloud(&path).unwrap();
            assert_eq!(file.width * file.height, file.cloud.len(), "{}", path.display());
            assert_eq!(file.extra, []);
            assert!(file.viewpoint.is_some());
            let count = finite(&file.cloud);
            assert!(count * 4 > file.cloud.len(), "{}: {count} finite points", path.display());
            if path.file_name().unwrap() == "office1.pcd" {
                assert_eq!((file.width, file.height, count), (640, 480, 254_456));
                let colour = file.cloud.colour.as_ref().unwrap();
                // An office is no place of one colour, and greyish on the whole.
                let mean = |channel: usize| {
                    colour.iter().map(|pixel| f64::from(pixel[channel])).sum::<f64>() / colour.len() as f64
                };
                assert!((mean(0) - mean(2)).abs() < 60.0 && mean(1) > 20.0, "{} {} {}", mean(0), mean(1), mean(2));
            }
            println!("{}: {count} of {} points", path.display(), file.cloud.len());
        }
        assert!(seen > 0);
    }
}

const ASCII: &str = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb intensity _\nSIZE 4 8 4 4 2 1\nTYPE F F F U U U\n\
    COUNT 1 1 1 1 1 2\nWIDTH 2\nHEIGHT 2\nVIEWPOINT 1 2 3 1 0 0 0\nPOINTS 4\nDATA ascii\n\
    1 2 3 16711935 7 0 0\nnan nan nan 0 8 0 0\n-1.5 1e3 0 255 65535 0 0\n0 0 0 65280 0 0 0\n";

#[test]
fn pcd_in_every_encoding_is_the_same_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let ascii = open_cloud(&write(folder.path(), "a.pcd", ASCII)).unwrap();
    assert_eq!(ascii.cloud.position[0], [1.0, 2.0, 3.0]);
    assert!(ascii.cloud.position[1].iter().all(|value| value.is_nan()));
    assert_eq!(ascii.cloud.colour.as_ref().unwrap()[..], [[255, 0, 255], [0, 0, 0], [0, 0, 255], [0, 255, 0]]);
    assert_eq!((ascii.width, ascii.height, ascii.viewpoint), (2, 2, Some([1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0])));
    assert!(ascii.is_organised());
    assert_eq!(ascii.extra.len(), 1);
    assert_eq!(ascii.extra[0].values().collect::<Vec<_>>(), [7.0, 8.0, 65535.0, 0.0]);

    let header = |kind: &str| ASCII.split("ascii\n").next().unwrap().to_owned() + kind + "\n";
    let rows: Vec<[Vec<u8>; 6]> = (0..4)
        .map(|row| {
            let [x, y, z] = ascii.cloud.position[row];
            let [r, g, b] = ascii.cloud.colour.as_ref().unwrap()[row];
            let intensity = ascii.extra[0].bytes[row * 2..row * 2 + 2].to_vec();
            let y = f64::from(y).to_le_bytes().to_vec();
            [x.to_le_bytes().to_vec(), y, z.to_le_bytes().to_vec(), vec![b, g, r, 0], intensity, vec![0, 0]]
        })
        .collect();
    let mut binary = header("binary").into_bytes();
    rows.iter().flatten().for_each(|value| binary.extend(value));
    let mut columns = Vec::new();
    (0..6).for_each(|column| rows.iter().for_each(|row| columns.extend(&row[column])));
    let packed = lzf::compress(&columns).unwrap();
    let mut compressed = header("binary_compressed").into_bytes();
    compressed.extend((packed.len() as u32).to_le_bytes());
    compressed.extend((columns.len() as u32).to_le_bytes());
    compressed.extend(&packed);
    for (name, bytes) in [("b.pcd", binary), ("c.pcd", compressed)] {
        let file = open_cloud(&write(folder.path(), name, &bytes)).unwrap();
        assert_eq!(file.cloud.colour, ascii.cloud.colour);
        assert_eq!(file.extra, ascii.extra);
        assert_eq!(format!("{:?}", file.cloud.position), format!("{:?}", ascii.cloud.position));
        // Cut anywhere: an error and no panic.
        for length in 0..bytes.len() {
            let path = write(folder.path(), "cut.pcd", &bytes[..length]);
            assert!(open_cloud(&path).is_err(), "{name} cut at {length}");
        }
        for place in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] ^= flip;
                let _ = open_cloud(&write(folder.path(), "flip.pcd", damaged));
            }
        }
    }
}

#[test]
fn pcd_headers_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("POINTS 4", "POINTS 5", "POINTS"),
        ("WIDTH 2\nHEIGHT 2", "WIDTH 4294967295\nHEIGHT 4294967295", "WIDTH"),
        (
            "WIDTH 2\nHEIGHT 2\nVIEWPOINT 1 2 3 1 0 0 0\nPOINTS 4",
            "WIDTH 200000000\nHEIGHT 1\nPOINTS 200000000",
            "cut off",
        ),
        ("SIZE 4 8 4 4 2 1", "SIZE 4 8 4 4 2", "SIZE"),
        ("SIZE 4 8 4 4 2 1", "SIZE 3 8 4 4 2 1", "field x"),
        ("COUNT 1 1 1 1 1 2", "COUNT 1 1 1 1 1 99999999999", "COUNT"),
        ("DATA ascii", "DATA morse", "morse"),
        ("FIELDS x y z", "FIELDS u v w", "x, y and z"),
        ("-1.5 1e3", "-1.5 zwei", "zwei"),
        ("VIEWPOINT 1 2", "VIEWPOINT", "VIEWPOINT"),
    ];
    for (from, to, named) in cases {
        assert!(ASCII.contains(from), "{from}");
        let path = write(folder.path(), "a.pcd", ASCII.replace(from, to));
        let error = open_cloud(&path).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("a.pcd"), "{to}: {error}");
    }
    let lie = ASCII
        .split("ascii\n")
        .next()
        .unwrap()
        .replace("WIDTH 2", "WIDTH 100000000")
        .replace("POINTS 4", "POINTS 200000000");
    let mut bytes = (lie + "binary_compressed\n").into_bytes();
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend((200_000_000_u64 * 24).to_le_bytes()[..4].to_vec());
    bytes.extend([0; 8]);
    assert!(matches!(open_cloud(&write(folder.path(), "b.pcd", bytes)), Err(FileError::Malformed { .. })));
    let empty = ASCII.replace("WIDTH 2", "WIDTH 0").replace("POINTS 4", "POINTS 0");
    assert!(open_cloud(&write(folder.path(), "c.pcd", empty)).unwrap().cloud.is_empty());
}

const PLY: &str = "ply\nformat ascii 1.0\ncomment made by hand\nelement sensor 1\nproperty list uchar float pose\n\
    element vertex 2\nproperty float x\nproperty double y\nproperty float z\nproperty list uchar int links\n\
    property uchar red\nproperty uchar green\nproperty uchar blue\nproperty short quality\n\
    element face 1\nproperty list uchar int vertex_indices\nend_header\n\
    2 0.5 0.25\n1 2 3 2 7 8 10 20 30 -5\n4 5 6 0 40 50 60 5\n3 0 1 0\n";

#[test]
fn ply_in_every_encoding_is_the_same_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let ascii = open_cloud(&write(folder.path(), "a.ply", PLY)).unwrap();
    assert_eq!(ascii.cloud.position, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(ascii.cloud.colour.as_ref().unwrap()[..], [[10, 20, 30], [40, 50, 60]]);
    assert_eq!(ascii.extra.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["quality"]);
    assert_eq!(ascii.extra[0].values().collect::<Vec<_>>(), [-5.0, 5.0]);
    let carriage_returns = open_cloud(&write(folder.path(), "r.ply", PLY.replace('\n', "\r\n"))).unwrap();
    assert_eq!(carriage_returns.cloud, ascii.cloud);

    for big in [false, true] {
        let kind = if big { "binary_big_endian" } else { "binary_little_endian" };
        let mut bytes = PLY.split_inclusive("end_header\n").next().unwrap().replace("ascii", kind).into_bytes();
        let mut put = |value: &[u8]| {
            let mut value = value.to_vec();
            if big {
                value.reverse();
            }
            bytes.extend(value);
        };
        put(&[2]);
        put(&0.5_f32.to_le_bytes());
        put(&0.25_f32.to_le_bytes());
        for (point, links, quality) in [(0, &[7, 8][..], -5_i16), (1, &[], 5)] {
            let [x, y, z] = ascii.cloud.position[point];
            put(&x.to_le_bytes());
            put(&f64::from(y).to_le_bytes());
            put(&z.to_le_bytes());
            put(&[links.len() as u8]);
            links.iter().for_each(|link: &i32| put(&link.to_le_bytes()));
            ascii.cloud.colour.as_ref().unwrap()[point].iter().for_each(|&channel| put(&[channel]));
            put(&quality.to_le_bytes());
        }
        let file = open_cloud(&write(folder.path(), "b.ply", &bytes)).unwrap();
        assert_eq!((&file.cloud, &file.extra), (&ascii.cloud, &ascii.extra), "{kind}");
        for length in 0..bytes.len() {
            let path = write(folder.path(), "cut.ply", &bytes[..length]);
            assert!(open_cloud(&path).is_err(), "{kind} cut at {length}");
        }
    }
    for (from, to, named) in [
        ("vertex 2", "vertex 4000000000000", "cut off"),
        ("sensor 1", "sensor 18446744073709551615", "sensor"),
        ("property float x", "property float u", "x, y and z"),
        ("property float x", "property quaternion x", "quaternion"),
        ("format ascii", "format morse", "morse"),
        ("element vertex", "element corner", "vertex"),
        ("2 0.5", "-2 0.5", "number"),
    ] {
        let error = open_cloud(&write(folder.path(), "c.ply", PLY.replace(from, to))).unwrap_err().to_string();
        assert!(error.contains(named), "{to}: {error}");
    }
}

fn labelled() -> (FileCloud, Labels) {
    let position = vec![[1.0, 2.0, 3.0], [f32::NAN; 3], [-1e30, 0.0, 5.5], [0.0; 3]];
    let colour = Some(vec![[1, 2, 3], [4, 5, 6], [255, 0, 128], [9, 9, 9]]);
    let extra = vec![
        Column::of_f32("intensity", &[0.5, 1.5, 2.5, f32::INFINITY]),
        Column { name: "ring".into(), scalar: ScalarType::U16, count: 1, bytes: vec![1, 0, 2, 0, 3, 0, 4, 1] },
        Column::of_f32("confidence", &[9.0; 4]),
    ];
    let file = FileCloud {
        cloud: Cloud { position, colour },
        width: 2,
        height: 2,
        viewpoint: Some([0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0.0]),
        extra,
        format: FileFormat::Pcd,
    };
    let labels = Labels {
        class: vec![0, 65535, 12, 3],
        instance: vec![1, 0, 4_000_000_000, 2],
        confidence: vec![0.25, 0.0, 1.0, 0.5],
    };
    (file, labels)
}

#[test]
fn labelled_clouds_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (file, labels) = labelled();
    for name in ["a.pcd", "a.ply"] {
        let path = folder.path().join(name);
        write_cloud(&path, LabelledPoints::of_file(&file, &labels)).unwrap();
        let back = open_cloud(&path).unwrap();
        assert_eq!(format!("{:?}", back.cloud), format!("{:?}", file.cloud), "{name}");
        let column = |wanted: &str| {
            let found: Vec<_> = back.extra.iter().filter(|column| column.name == wanted).collect();
            assert_eq!(found.len(), 1, "{name}: {wanted}");
            found[0].values().collect::<Vec<f64>>()
        };
        assert_eq!(column("label"), [0.0, 65535.0, 12.0, 3.0]);
        assert_eq!(column("instance"), [1.0, 0.0, 4e9, 2.0]);
        assert_eq!(column("confidence"), [0.25, 0.0, 1.0, 0.5]);
        assert_eq!(column("ring"), [1.0, 2.0, 3.0, 260.0]);
        assert_eq!(column("intensity"), [0.5, 1.5, 2.5, f64::INFINITY]);
        if name == "a.pcd" {
            assert_eq!((back.width, back.height, back.viewpoint), (2, 2, file.viewpoint));
        }
    }
    // Another reader's opinion.
    let mut reader = std::io::BufReader::new(std::fs::File::open(folder.path().join("a.ply")).unwrap());
    let parser = ply_rs_bw::parser::Parser::<ply_rs_bw::ply::DefaultElement>::new();
    let other = parser.read_ply(&mut reader).unwrap();
    assert_eq!(other.payload["vertex"].len(), 4);
    assert!(matches!(other.payload["vertex"][2]["label"], ply_rs_bw::ply::Property::UShort(12)));
    assert!(matches!(other.payload["vertex"][2]["instance"], ply_rs_bw::ply::Property::UInt(4_000_000_000)));

    let colour = vec![[7, 7, 7]; 4];
    let path = folder.path().join("b.ply");
    write_cloud(&path, LabelledPoints { colour: Some(&colour), ..LabelledPoints::of_file(&file, &labels) }).unwrap();
    assert_eq!(open_cloud(&path).unwrap().cloud.colour, Some(colour));
}

#[test]
fn an_output_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mut labels) = labelled();
    let at = |name: &str| folder.path().join(name);
    assert!(matches!(
        write_cloud(&at("x.las"), LabelledPoints::of_file(&file, &labels)),
        Err(FileError::Ending { .. })
    ));
    assert!(matches!(write_cloud(&at("no/x.pcd"), LabelledPoints::of_file(&file, &labels)), Err(FileError::Io { .. })));
    labels.instance.pop();
    let short = write_cloud(&at("x.pcd"), LabelledPoints::of_file(&file, &labels));
    assert!(matches!(short, Err(FileError::Length { expected: 4, found: 3, .. })), "{short:?}");
    let room = LabelledCloud { cloud: file.cloud, class: vec![0; 3], instance: vec![0; 4] };
    assert!(matches!(write_room(&at("x.npy"), &room), Err(FileError::Length { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn room() -> LabelledCloud {
    LabelledCloud {
        cloud: Cloud {
            position: vec![[0.5, 1.0, 2.0], [3.0, -4.0, 5.0], [6.0, 7.0, 8.0]],
            colour: Some(vec![[0, 128, 255], [1, 2, 3], [4, 5, 6]]),
        },
        class: vec![0, 12, 255],
        instance: vec![5, 0, -1],
    }
}

fn npy(kind: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn rooms_come_back_from_npy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("room.npy");
    write_room(&path, &room()).unwrap();
    assert_eq!(open_room(&path).unwrap(), room());
    // By the eyes of another reader.
    let file = npyz::NpyFile::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(file.shape(), [3, 8]);
    let values: Vec<f32> = file.into_vec().unwrap();
    assert_eq!(values[8..16], [3.0, -4.0, 5.0, 1.0, 2.0, 3.0, 12.0, 0.0]);

    let row = |index: usize| values[index * 8..][..8].to_vec();
    let columns: Vec<f32> = (0..8)
        .flat_map(|column| (0..3).map(move |index| (index, column)))
        .map(|(index, column)| row(index)[column])
        .collect();
    let le32 = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let be64 = |values: &[f32]| values.iter().flat_map(|value| f64::from(*value).to_be_bytes()).collect::<Vec<u8>>();
    let variants = [
        npy("<f4", false, "(3, 8)", &le32(&values)),
        npy("<f4", true, "(3, 8)", &le32(&columns)),
        npy(">f8", false, "(3, 8)", &be64(&values)),
        npy(">f8", true, "(3, 8)", &be64(&columns)),
    ];
    for bytes in &variants {
        let path = write(folder.path(), "v.npy", bytes);
        assert_eq!(open_room(&path).unwrap(), room());
        assert_eq!(open_cloud(&path).unwrap().cloud, room().cloud);
        for length in 0..bytes.len() {
            assert!(open_room(&write(folder.path(), "cut.npy", &bytes[..length])).is_err(), "cut at {length}");
        }
    }
    let xyz = npy("<f4", false, "(1, 3)", &le32(&[1.0, 2.0, 3.0]));
    let path = write(folder.path(), "xyz.npy", xyz);
    assert_eq!(open_cloud(&path).unwrap().cloud.position, [[1.0, 2.0, 3.0]]);
    assert!(open_room(&path).unwrap_err().to_string().contains("(1, 3)"));
    let unit = npy("<f4", false, "(1, 6)", &le32(&[1.0, 2.0, 3.0, 0.5, 1.0, 0.0]));
    assert_eq!(open_cloud(&write(folder.path(), "unit.npy", unit)).unwrap().cloud.colour, Some(vec![[128, 255, 0]]));
}

#[test]
fn npy_headers_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, shape, named) in [
        ("<f4", "(99999999999999999999, 8)", "dimensions"),
        ("<f4", "(4294967295, 4294967295)", "rows"),
        ("<f4", "(200000000, 8)", "cut off"),
        ("<f4", "(1, 2, 3)", "dimensions"),
        ("<f4", "((((((((1, 8)", "dimensions"),
        ("|O", "(1, 8)", "|O"),
        ("<i4", "(1, 8)", "f4 or f8"),
    ] {
        let error =
            open_room(&write(folder.path(), "x.npy", npy(kind, false, shape, &[0; 32]))).unwrap_err().to_string();
        assert!(error.contains(named), "{kind} {shape}: {error}");
    }
    let row = |class: f32, instance: f32| {
        let values = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, class, instance];
        npy("<f4", false, "(1, 8)", &values.iter().flat_map(|value: &f32| value.to_le_bytes()).collect::<Vec<u8>>())
    };
    for (class, instance) in [(0.5, 0.0), (300.0, 0.0), (f32::NAN, 0.0), (0.0, f32::NAN), (0.0, -2.0), (0.0, 1e20)] {
        let error = open_room(&write(folder.path(), "x.npy", row(class, instance))).unwrap_err();
        assert!(error.to_string().contains("row 0"), "{error}");
    }
    assert_eq!(open_room(&write(folder.path(), "x.npy", row(-1.0, -1.0))).unwrap().class, [255]);
}

#[test]
fn rooms_come_from_npz() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("room.npz");
    let expected = room();
    let options = Default::default;
    let save = |with_labels: bool, rows: u64| {
        use npyz::WriterBuilder;
        let mut archive = npyz::npz::NpzWriter::create(&path).unwrap();
        let mut xyz = archive.array("xyz", options()).unwrap().default_dtype().shape(&[3, 3]).begin_nd().unwrap();
        xyz.extend(expected.cloud.position.iter().flatten().copied()).unwrap();
        xyz.finish().unwrap();
        let mut rgb = archive.array("rgb", options()).unwrap().default_dtype().shape(&[3, 3]).begin_nd().unwrap();
        rgb.extend(expected.cloud.colour.as_ref().unwrap().iter().flatten().copied()).unwrap();
        rgb.finish().unwrap();
        if with_labels {
            let mut sem = archive.array("sem", options()).unwrap().default_dtype().shape(&[rows]).begin_nd().unwrap();
            sem.extend(expected.class.iter().copied().take(rows as usize)).unwrap();
            sem.finish().unwrap();
            let mut ins = archive.array("ins", options()).unwrap().default_dtype().shape(&[3]).begin_nd().unwrap();
            ins.extend(expected.instance.iter().copied()).unwrap();
            ins.finish().unwrap();
        }
    };
    save(true, 3);
    assert_eq!(open_room(&path).unwrap(), expected);
    assert_eq!(open_cloud(&path).unwrap().cloud, expected.cloud);
    let bytes = std::fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(7) {
        assert!(open_room(&write(folder.path(), "cut.npz", &bytes[..length])).is_err(), "cut at {length}");
    }
    save(true, 2);
    assert!(open_room(&path).unwrap_err().to_string().contains("sem"));
    save(false, 0);
    assert!(open_room(&path).unwrap_err().to_string().contains("sem"));
    assert!(open_cloud(&path).is_ok());
}

#[test]
fn what_is_no_cloud_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, named) in [(&b"LASF"[..], "LAS"), (b"hello", "text"), (b"", "empty"), (b"\x89MCAP0\r\n", "MCAP")] {
        let path = write(folder.path(), "x.pcd", bytes);
        let error = open_cloud(&path).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
        assert!(matches!(open_room(&path), Err(FileError::NotARoom { .. })));
    }
    assert!(matches!(open_cloud(folder.path()), Err(FileError::NotACloud { .. })));
    assert!(matches!(open_cloud(&folder.path().join("none.pcd")), Err(FileError::Io { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn noise_in_text_formats_never_panics(
        ply in any::<bool>(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = if ply { PLY } else { ASCII }.as_bytes().to_vec();
        for (place, value) in flips {
            let place = 4 + place.index(bytes.len() - 4);
            bytes[place] = value;
        }
        let folder = tempfile::tempdir().unwrap();
        let _ = open_cloud(&write(folder.path(), "x", bytes));
    }

    #[test]
    fn any_cloud_comes_back(points in proptest::collection::vec((any::<[f32; 3]>(), any::<[u8; 3]>(), any::<u16>(), any::<u32>()), 0..50)) {
        let cloud = Cloud {
            position: points.iter().map(|point| point.0).collect(),
            colour: Some(points.iter().map(|point| point.1).collect()),
        };
        let labels = Labels {
            class: points.iter().map(|point| point.2).collect(),
            instance: points.iter().map(|point| point.3).collect(),
            confidence: vec![0.5; points.len()],
        };
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.pcd", "x.ply"] {
            let path = folder.path().join(name);
            write_cloud(&path, LabelledPoints::new(&cloud, &labels)).unwrap();
            let back = open_cloud(&path).unwrap();
            // Signalling NaN may become quiet on the way through f64; the value stays NaN.
            prop_assert_eq!(format!("{:?}", back.cloud.position), format!("{:?}", &cloud.position));
            prop_assert_eq!(&back.cloud.colour, &cloud.colour);
            let label: Vec<f64> = labels.class.iter().map(|&class| f64::from(class)).collect();
            prop_assert_eq!(back.extra[0].values().collect::<Vec<_>>(), label);
        }
    }
}
