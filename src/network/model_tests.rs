//! The model folder: what is written can be read, and what does not fit is refused by name.

use std::fs;
use std::path::Path;

use super::asis::Asis;
use super::model::sha256;
use super::*;
use crate::geometry::LevelSpecification;

/// ASIS with its real widths on a block small enough for tests.
fn small() -> Asis {
    let level = |points, radius| LevelSpecification::ball(points, radius, 4);
    let levels = vec![level(32, 0.1), level(16, 0.2), level(8, 0.4), level(4, 0.8)];
    Asis { points: 64, levels, fusion_neighbours: 6, ..Asis::default() }
}

fn write(folder: &Path) -> Model {
    let architecture = small().architecture().unwrap();
    let parameters = Weights::untrained(&architecture, 7).fold(&architecture).unwrap();
    let mut metadata = ModelMetadata::s3dis();
    metadata.provenance.insert("data".to_owned(), toml::Value::String("none: untrained".to_owned()));
    metadata.scores.insert("mIoU".to_owned(), 1.0 / 13.0);
    write_model(folder, &architecture, &parameters, &metadata).unwrap()
}

/// Opens a copy of a good model after a change of its manifest's text; gives the error's words.
fn refusal(from: &str, to: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("model");
    write(&folder);
    let path = folder.join("model.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    Model::open(&folder).unwrap_err().to_string()
}

fn assert_names(error: &str, field: &str) {
    assert!(error.contains(field), "{field:?} is not named in {error:?}");
}

#[test]
fn what_is_written_is_read() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deeper/model");
    let model = write(&folder);
    let architecture = small().architecture().unwrap();
    assert_eq!(*model.architecture(), architecture);
    assert_eq!(model.manifest().classes.len(), 13);
    assert_eq!(model.manifest().scores["mIoU"], 1.0 / 13.0);
    assert_eq!(model.manifest().provenance["data"].as_str(), Some("none: untrained"));
    assert_eq!(model.manifest().fusion, Some(Fusion { neighbours: 6, radius: 0.5 }));
    // The parts carry the weights, bit for bit.
    assert_eq!(model.parameters().unwrap(), Weights::untrained(&architecture, 7).fold(&architecture).unwrap());
    let names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let beside = fs::read_dir(folder.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "no workshop is left behind");
}

#[test]
fn a_model_is_replaced_and_anything_else_is_not() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("model");
    write(&folder);
    fs::write(folder.join("old.txt"), "of the old model").unwrap();
    write(&folder);
    assert!(!folder.join("old.txt").exists());

    let occupied = place.path().join("mine");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("thesis.tex"), "years of work").unwrap();
    let architecture = small().architecture().unwrap();
    let parameters = Weights::untrained(&architecture, 7).fold(&architecture).unwrap();
    let write = |folder: &Path, metadata: &ModelMetadata| write_model(folder, &architecture, &parameters, metadata);
    assert!(matches!(write(&occupied, &ModelMetadata::s3dis()), Err(ModelError::Occupied { .. })));
    assert_eq!(fs::read_to_string(occupied.join("thesis.tex")).unwrap(), "years of work");
    assert!(matches!(write(&occupied.join("thesis.tex"), &ModelMetadata::s3dis()), Err(ModelError::Occupied { .. })));

    let mut metadata = ModelMetadata::s3dis();
    metadata.classes.pop();
    let nowhere = place.path().join("nowhere");
    assert_names(&write(&nowhere, &metadata).unwrap_err().to_string(), "classes");
    metadata = ModelMetadata { bandwidth: f64::NAN, ..ModelMetadata::s3dis() };
    assert_names(&write(&nowhere, &metadata).unwrap_err().to_string(), "bandwidth");
    assert!(!nowhere.exists());
}

#[test]
fn a_wrong_manifest_is_refused_by_field() {
    assert_names(&refusal("bandwidth = 0.6", "bandwidth = nan"), "bandwidth");
    assert_names(&refusal("bandwidth = 0.6", "bandwidth = -0.6"), "bandwidth");
    assert_names(&refusal("bandwidth = 0.6", "bandwidht = 0.6"), "bandwidht");
    assert_names(&refusal("bandwidth = 0.6", ""), "bandwidth");
    assert_names(&refusal("stride = 0.5", "stride = 1.5"), "block.stride");
    assert_names(&refusal("stride = 0.5", "stride = 0.0"), "block.stride");
    assert_names(&refusal("size = 1.0", "size = inf"), "block.size");
    assert_names(&refusal("points = 64", "points = 0"), "points");
    assert_names(&refusal("points = 64", "points = -64"), "points");
    assert_names(&refusal("points = 64", "points = 9000000000000000000"), "points");
    assert_names(&refusal("slots = 4", "slots = 0"), "slots");
    assert_names(&refusal("slots = 4", "slots = 1000000"), "slots");
    assert_names(&refusal("embedding_size = 5", "embedding_size = 0"), "ins_fc4");
    assert_names(&refusal("neighbours = 6", "neighbours = 0"), "neighbours");
    assert_names(&refusal("radius = 0.5", "radius = nan"), "radius");
    assert_names(&refusal("format = 1", "format = 2\nsomething_new = true"), "format");
    assert_names(&refusal("format = 1", "format = 0"), "format");
    assert_names(&refusal("asis-pointnet2", "pointnet9"), "pointnet9");
    assert_names(&refusal("\"floor\"", "\"wall\""), "classes[2].name");
    assert_names(&refusal("\"height\"", "\"red\""), "feature_columns");
    assert_names(&refusal("\"green\"", "\"ultraviolet\""), "ultraviolet");
    assert_names(&refusal("mIoU = ", "mIoU = nan # "), "scores.mIoU");
    assert_names(&refusal("role = \"head\"", "role = \"body\""), "parts[1].role");
    assert_names(&refusal("role = \"head\"", "role = \"tail\""), "tail");
}

#[test]
fn a_part_outside_the_folder_is_refused() {
    for escape in ["../body.onnx", "/etc/passwd", "a/b.onnx", "..", "", ".hidden", "a\\\\b", "model.toml", "head.onnx"]
    {
        assert_names(&refusal("\"body.onnx\"", &format!("\"{escape}\"")), "].file");
    }
    #[cfg(unix)]
    {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        write(&folder);
        fs::rename(folder.join("body.onnx"), place.path().join("elsewhere.onnx")).unwrap();
        std::os::unix::fs::symlink("../elsewhere.onnx", folder.join("body.onnx")).unwrap();
        assert!(matches!(Model::open(&folder), Err(ModelError::OutsidePart { part: PartRole::Body, .. })));
    }
}

#[test]
fn a_wrong_part_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("model");
    assert!(matches!(Model::open(&folder), Err(ModelError::NoManifest { .. })));
    write(&folder);
    let head = folder.join("head.onnx");
    let good = fs::read(&head).unwrap();
    fs::write(&head, &good[..good.len() - 1]).unwrap();
    assert!(matches!(Model::open(&folder), Err(ModelError::Hash { part: PartRole::Head, .. })));
    fs::remove_file(&head).unwrap();
    assert!(matches!(Model::open(&folder), Err(ModelError::MissingPart { part: PartRole::Head, .. })));

    // A part with the right hash that is not what the manifest says.
    let accept = |bytes: &[u8]| {
        let path = folder.join("model.toml");
        let text = fs::read_to_string(&path).unwrap();
        let old = sha256(&fs::read(&head).unwrap_or_else(|_| good.clone()));
        fs::write(&path, text.replace(&old, &sha256(bytes))).unwrap();
        fs::write(&head, bytes).unwrap();
        Model::open(&folder)
    };
    assert!(accept(&good).is_ok());
    assert!(matches!(accept(b"not a model"), Err(ModelError::Part { source: onnx::PartError::Format { .. }, .. })));
    let more = Asis { classes: 14, ..small() }.architecture().unwrap();
    let parts = onnx::export(&more, &Weights::untrained(&more, 1).fold(&more).unwrap()).unwrap();
    let error = accept(&parts.head.unwrap()).unwrap_err().to_string();
    assert_names(&error, "output logits");
    assert_names(&error, "[64, 14]");
    assert!(accept(&parts.body).unwrap_err().to_string().contains("input fused"));
    assert!(accept(&good).is_ok());
}

#[test]
fn data_elsewhere_and_absurd_sizes_are_refused() {
    use prost::Message;

    use super::onnx::messages::tensor_shape_proto::dimension;
    use super::onnx::messages::{
        ModelProto, StringStringEntryProto, TensorProto, tensor_proto::DataLocation, type_proto,
    };

    let architecture = small().architecture().unwrap();
    let parameters = Weights::untrained(&architecture, 7).fold(&architecture).unwrap();
    let head = onnx::export(&architecture, &parameters).unwrap().head.unwrap();
    let refuse = |change: &dyn Fn(&mut TensorProto)| {
        let mut model = ModelProto::decode(head.as_slice()).unwrap();
        let tensors = &mut model.graph.as_mut().unwrap().initializer;
        change(tensors.iter_mut().find(|tensor| tensor.name == "sem_fc4/weights").unwrap());
        let error = onnx::check_part(&architecture, PartRole::Head, &model.encode_to_vec()).unwrap_err();
        assert_names(&error.to_string(), "sem_fc4/weights");
        error
    };
    let elsewhere = |tensor: &mut TensorProto| {
        tensor.data_location = Some(DataLocation::External as i32);
        let (key, value) = ("location".to_owned(), "../../etc/passwd".to_owned());
        tensor.external_data.push(StringStringEntryProto { key, value });
    };
    assert!(matches!(
        refuse(&elsewhere),
        onnx::PartError::ExternalData { location, .. } if location == "../../etc/passwd"
    ));
    for size in [1 << 31, i64::MAX, -1] {
        let error = refuse(&|tensor| tensor.dims[1] = size);
        assert!(matches!(error, onnx::PartError::Dimension { axis: 1, actual, .. } if actual == size));
    }
    let not_a_number = |tensor: &mut TensorProto| tensor.raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(refuse(&not_a_number), onnx::PartError::Parameters(WeightsError::NotFinite { index: 0, .. })));
    let misshapen = |tensor: &mut TensorProto| tensor.dims.swap(0, 1);
    assert!(matches!(refuse(&misshapen), onnx::PartError::Parameters(WeightsError::Shape { .. })));

    let mut model = ModelProto::decode(head.as_slice()).unwrap();
    let output = &mut model.graph.as_mut().unwrap().output[0];
    let shape = output.r#type.as_mut().unwrap().value.as_mut().unwrap();
    let type_proto::Value::TensorType(tensor) = shape;
    let first = &mut tensor.shape.as_mut().unwrap().dim[0];
    first.value = Some(dimension::Value::DimValue(1 << 31));
    let error = onnx::check_part(&architecture, PartRole::Head, &model.encode_to_vec()).unwrap_err();
    assert!(matches!(error, onnx::PartError::Dimension { axis: 0, actual: 0x8000_0000, .. }));
    assert_names(&error.to_string(), "logits");
}

#[test]
fn models_of_one_part_and_of_no_level_are_written_and_read() {
    for (name, levels) in [("asis-pointnet2-vanilla", 4), ("asis-pointnet", 0), ("asis-pointnet-vanilla", 0)] {
        let mut sizes = zoo::Sizes { points: 64, ..zoo::Sizes::published(name).unwrap() };
        for (level, points) in sizes.levels.iter_mut().zip([32, 16, 8, 4]) {
            level.points = points;
        }
        let architecture = zoo::by_name(name, &sizes).unwrap();
        let parameters = Weights::untrained(&architecture, 7).fold(&architecture).unwrap();
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        let model = write_model(&folder, &architecture, &parameters, &ModelMetadata::s3dis()).unwrap();
        assert_eq!(*model.architecture(), architecture, "{name}");
        assert_eq!(model.manifest().levels.len(), levels);
        assert_eq!(model.manifest().precision, Precision::Fp32);
        assert_eq!(model.parameters().unwrap(), parameters, "{name}");
        let fuses = architecture.fusion().is_some();
        assert_eq!(
            (model.parts().count(), model.manifest().fusion.is_some()),
            if fuses { (2, true) } else { (1, false) }
        );
    }
}

#[test]
fn a_fusion_must_be_there_exactly_where_the_architecture_has_one() {
    assert_names(&refusal("\n[fusion]\nneighbours = 6\nradius = 0.5\n", ""), "fusion");
    assert_names(&refusal("\"asis-pointnet2\"", "\"asis-pointnet2-vanilla\""), "fusion");
    assert_names(&refusal("format = 1", "format = 1\nprecision = \"int4\""), "int4");
}

#[test]
fn a_manifest_of_another_block_does_not_fit_the_parts() {
    assert_names(&refusal("points = 64", "points = 65"), "features");
    assert_names(&refusal("embedding_size = 5", "embedding_size = 6"), "embeddings");
    assert_names(&refusal("slots = 4", "slots = 5"), "group_1");
    let without_clutter = "\n[[classes]]\nname = \"clutter\"\ncolour = [50, 50, 50]\n";
    assert_names(&refusal(without_clutter, ""), "logits");
}

#[test]
fn a_damaged_part_never_panics() {
    let architecture = small().architecture().unwrap();
    let parameters = Weights::untrained(&architecture, 7).fold(&architecture).unwrap();
    let head = onnx::export(&architecture, &parameters).unwrap().head.unwrap();
    for position in 0..head.len() {
        let mut bad = head.clone();
        bad[position] ^= 0x55;
        // Flips inside the numbers leave a valid part; the model's hash is what catches those.
        let _ = onnx::check_part(&architecture, PartRole::Head, &bad);
        let _ = onnx::check_part(&architecture, PartRole::Head, &head[..position]);
    }
}
