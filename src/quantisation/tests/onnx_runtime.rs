//! Writes what `calibration/tests/test_whole_parts.py` compares with ONNX Runtime: quantised parts, what goes
//! into them, and what the integer arithmetic of [`super::plain`] makes of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use npyz::npz::NpzWriter;
use npyz::{AutoSerialize, WriterBuilder};

use super::*;
use crate::engine::InstanceFusion;
use crate::network::Fusion;
use crate::quantisation::network::inputs;
use crate::quantisation::plain::run;

fn put<T: AutoSerialize + Copy>(archive: &mut NpzWriter<File>, name: &str, shape: &[usize], values: &[T]) {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let array = archive.array::<T>(name, Default::default()).unwrap();
    let mut array = array.default_dtype().shape(&shape).begin_nd().unwrap();
    array.extend(values.iter().copied()).unwrap();
    array.finish().unwrap();
}

/// `part.onnx`, and `part.npz` with an array `in:NAME` for each input and `out:NAME` for each output.
fn write_case(folder: &Path, network: &GraphNetwork, block: &CalibrationBlock) {
    fs::create_dir_all(folder).unwrap();
    let architecture = network.architecture();
    let mut fused: Option<Vec<f32>> = None;
    for graph in &network.graphs {
        fs::write(folder.join(format!("{}.onnx", graph.role)), graph.write()).unwrap();
        let file = File::create(folder.join(format!("{}.npz", graph.role))).unwrap();
        let mut archive = NpzWriter::new(file);
        let given = inputs(architecture, graph.role, block.input(), fused.as_deref());
        let outputs = run(graph, &given, Arithmetic::Plain, &mut Blind).unwrap();
        for (name, input) in graph.inputs().zip(&given) {
            match input {
                Input::Float(tensor) => put(&mut archive, &format!("in:{name}"), &tensor.shape, &tensor.values),
                Input::Index(shape, values) => put(&mut archive, &format!("in:{name}"), shape, values),
            }
        }
        for (name, output) in graph.outputs().zip(&outputs) {
            put(&mut archive, &format!("out:{name}"), &output.shape, &output.values);
        }
        if let (Some(Fusion { neighbours, radius }), [embeddings, features]) =
            (Fusion::of(architecture), outputs.as_slice())
        {
            let (size, mut result) = (architecture.embedding_size(), vec![0.0; features.values.len()]);
            let mut search = InstanceFusion::default();
            let channels = features.channels();
            search.fuse(&embeddings.values, size, &features.values, channels, neighbours, radius, &mut result).unwrap();
            fused = Some(result);
        }
    }
}

#[test]
#[ignore = "writes files for calibration/tests, which calls it and says where ($INSTANTON_QDQ_CASES)"]
fn writes_cases_for_onnx_runtime() {
    let place = PathBuf::from(std::env::var_os("INSTANTON_QDQ_CASES").expect("$INSTANTON_QDQ_CASES names a folder"));
    let network = dyadic_network();
    let mut exact = block(network.architecture(), 1);
    dyadic_weights(&mut exact);
    write_case(&place.join("dyadic"), &network, &exact);
    for name in ["asis-pointnet2", "asis-pointnet", "jsnet"] {
        let architecture = small_of(name);
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("fp32");
        let model = write_model(&at, &architecture, &untrained(&architecture), &ModelMetadata::s3dis()).unwrap();
        let blocks = (0..16).map(|seed| features(&architecture, seed)).collect();
        let options = CalibrationOptions { agreement: 0.0, embedding_p99: f64::INFINITY, ..options() };
        let calibrated = calibrate(&model, blocks, "a test", &options, None, &mut |_| {}).unwrap();
        write_case(&place.join(name), &calibrated.network, &block(&architecture, 99));
    }
}
