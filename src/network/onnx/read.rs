//! Reading parts back: do they fit an architecture, and what are their parameters?

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use tract_onnx::pb::{
    GraphProto, ModelProto, TensorProto, ValueInfoProto, tensor_proto::DataLocation, tensor_proto::DataType,
    tensor_shape_proto, type_proto,
};

use super::super::architecture::Architecture;
use super::super::convolution::{Convolution, Kernel};
use super::super::manifest::PartRole;
use super::super::weights::{FoldedConvolution, Parameters, WeightsError};
use super::graph::{OPERATOR_SET, value_info};
use super::inputs::{NetworkInput, interface};
use super::{BY_FUNCTION, INPUT_FACTOR};

/// Why a part is not what its architecture asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// The bytes are not an ONNX model.
    #[error("{part}: not an ONNX model: {reason}")]
    Format {
        /// The part.
        part: PartRole,
        /// What the decoder said.
        reason: String,
    },
    /// The part was written for operators that this version does not know.
    #[error("{part}: expected operator set {OPERATOR_SET}, found {actual}")]
    OperatorSet {
        /// The part.
        part: PartRole,
        /// The operator set it asks for.
        actual: i64,
    },
    /// A tensor's numbers lie in another file. A part carries its numbers itself: paths in a file that
    /// somebody sent are not followed.
    #[error("{part}: tensor {name}: expected its data in the part, found external data at {location:?}")]
    ExternalData {
        /// The part.
        part: PartRole,
        /// The tensor.
        name: String,
        /// Where its data are said to be.
        location: String,
    },
    /// A dimension is negative or beyond what any network has.
    #[error("{part}: {name}: dimension {axis} is {actual}, expected 0 to {LARGEST_DIMENSION}")]
    Dimension {
        /// The part.
        part: PartRole,
        /// The tensor, input or output.
        name: String,
        /// Which dimension, from 0.
        axis: usize,
        /// What it is.
        actual: i64,
    },
    /// The architecture has no such part.
    #[error("{part}: architecture {architecture} has no such part")]
    NoSuchPart {
        /// The part.
        part: PartRole,
        /// The architecture.
        architecture: String,
    },
    /// An input or output is missing, or has another type or shape.
    #[error("{part}: {direction} {name}: expected {expected}, found {actual}")]
    Interface {
        /// The part.
        part: PartRole,
        /// `input` or `output`.
        direction: &'static str,
        /// The value's name.
        name: String,
        /// Expected type and shape.
        expected: String,
        /// Found type and shape.
        actual: String,
    },
    /// A convolution's kernel or bias is missing, or has another shape.
    #[error(transparent)]
    Parameters(#[from] WeightsError),
}

/// The largest dimension that a tensor of a part may have.
const LARGEST_DIMENSION: i64 = (1 << 31) - 1;

/// Checks that a part has the inputs, outputs and parameters of its architecture.
///
/// # Errors
/// [`PartError`] naming the first value that does not fit.
pub fn check_part(architecture: &Architecture, role: PartRole, bytes: &[u8]) -> Result<(), PartError> {
    let graph = decode(role, bytes)?;
    let Some(expected) = interface(architecture, role) else {
        return Err(PartError::NoSuchPart { part: role, architecture: architecture.name().to_owned() });
    };
    for (direction, expected, actual) in
        [("input", &expected.inputs, &graph.input), ("output", &expected.outputs, &graph.output)]
    {
        check_values(role, direction, expected, actual)?;
    }
    for output in &expected.outputs {
        // A declared output that nobody computes would stop an engine in the middle of loading.
        if !graph.node.iter().any(|node| node.output.contains(&output.name)) {
            let (expected, actual) = (describe(&value_info(output)), "no node that computes it".to_owned());
            return Err(PartError::Interface {
                part: role,
                direction: "output",
                name: output.name.clone(),
                expected,
                actual,
            });
        }
    }
    for convolution in convolutions(architecture, role) {
        folded(&graph, &convolution)?;
    }
    Ok(())
}

/// The parameters that parts carry, by name.
///
/// # Errors
/// [`PartError`] naming the first convolution that is missing, misshapen or not finite.
pub fn read_parameters(architecture: &Architecture, parts: &[(PartRole, &[u8])]) -> Result<Parameters, PartError> {
    let mut found = Vec::new();
    for &(role, bytes) in parts {
        let graph = decode(role, bytes)?;
        for convolution in convolutions(architecture, role) {
            found.push((convolution.scope.clone(), folded(&graph, &convolution)?));
        }
    }
    Ok(Parameters::new(architecture, found)?)
}

fn convolutions(architecture: &Architecture, role: PartRole) -> Vec<Convolution> {
    (0..architecture.layers().len())
        .filter(|&index| architecture.is_after_fusion(index) == (role == PartRole::Head))
        .flat_map(|index| architecture.convolutions_of(index))
        .collect()
}

pub(crate) fn decode(part: PartRole, bytes: &[u8]) -> Result<GraphProto, PartError> {
    let format = |reason: String| PartError::Format { part, reason };
    let model = ModelProto::decode(bytes).map_err(|error| format(error.to_string()))?;
    let version = model.opset_import.iter().find(|set| set.domain.is_empty()).map_or(0, |set| set.version);
    if version != OPERATOR_SET {
        return Err(PartError::OperatorSet { part, actual: version });
    }
    let graph = model.graph.ok_or_else(|| format("no graph".to_owned()))?;
    check_tensors(part, &graph)?;
    Ok(graph)
}

/// No tensor of a graph lies outside of the file or claims sizes that nothing has.
fn check_tensors(part: PartRole, graph: &GraphProto) -> Result<(), PartError> {
    let constants = graph.node.iter().flat_map(|node| &node.attribute).flat_map(|a| a.t.iter().chain(&a.tensors));
    for tensor in graph.initializer.iter().chain(constants) {
        let external = DataLocation::External as i32;
        if tensor.data_location == Some(external) || !tensor.external_data.is_empty() {
            let location = tensor.external_data.iter().find(|entry| entry.key == "location");
            let location = location.map(|entry| entry.value.clone()).unwrap_or_default();
            return Err(PartError::ExternalData { part, name: tensor.name.clone(), location });
        }
        check_dimensions(part, &tensor.name, tensor.dims.iter().copied())?;
    }
    for value in graph.input.iter().chain(&graph.output).chain(&graph.value_info) {
        let Some(shape) = tensor_type(value).and_then(|tensor| tensor.shape.as_ref()) else { continue };
        let sizes = shape.dim.iter().map(|dimension| match dimension.value {
            Some(tensor_shape_proto::dimension::Value::DimValue(size)) => size,
            _ => 0,
        });
        check_dimensions(part, &value.name, sizes)?;
    }
    Ok(())
}

fn check_dimensions(part: PartRole, name: &str, sizes: impl Iterator<Item = i64>) -> Result<(), PartError> {
    match sizes.enumerate().find(|(_, size)| !(0..=LARGEST_DIMENSION).contains(size)) {
        Some((axis, actual)) => Err(PartError::Dimension { part, name: name.to_owned(), axis, actual }),
        None => Ok(()),
    }
}

fn tensor_type(value: &ValueInfoProto) -> Option<&type_proto::Tensor> {
    match value.r#type.as_ref().and_then(|found| found.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => Some(tensor),
        _ => None,
    }
}

fn check_values(
    part: PartRole,
    direction: &'static str,
    expected: &[NetworkInput],
    actual: &[ValueInfoProto],
) -> Result<(), PartError> {
    let refuse = |name: &str, expected: String, actual: String| {
        Err(PartError::Interface { part, direction, name: name.to_owned(), expected, actual })
    };
    // Order matters too: engines feed by position.
    for (position, expected) in expected.iter().enumerate() {
        let wanted = value_info(expected);
        match actual.get(position) {
            None => return refuse(&expected.name, describe(&wanted), "nothing".to_owned()),
            Some(found) if found.name != wanted.name => {
                return refuse(&expected.name, describe(&wanted), format!("{} in its place", found.name));
            }
            Some(found) if describe(found) != describe(&wanted) => {
                return refuse(&expected.name, describe(&wanted), describe(found));
            }
            Some(_) => {}
        }
    }
    match actual.get(expected.len()) {
        Some(more) => refuse(&more.name, "nothing".to_owned(), describe(more)),
        None => Ok(()),
    }
}

/// Type and shape in words.
fn describe(value: &ValueInfoProto) -> String {
    use tensor_shape_proto::dimension::Value;
    let Some(tensor) = tensor_type(value) else { return "no type".to_owned() };
    let element = DataType::try_from(tensor.elem_type).map_or("unknown", |data_type| data_type.as_str_name());
    let Some(shape) = &tensor.shape else { return format!("{element} of any shape") };
    let sizes = shape.dim.iter().map(|dimension| match &dimension.value {
        Some(Value::DimValue(size)) => size.to_string(),
        Some(Value::DimParam(name)) => name.clone(),
        None => "?".to_owned(),
    });
    format!("{element} [{}]", sizes.collect::<Vec<_>>().join(", "))
}

fn folded(graph: &GraphProto, convolution: &Convolution) -> Result<FoldedConvolution, WeightsError> {
    let &Convolution { inputs, outputs, .. } = convolution;
    let name = convolution.weights();
    let by_function = format!("{name}/{BY_FUNCTION}");
    let is_there = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let weight = match convolution.kernel {
        // Its factor is inside of the kernel before it.
        Kernel::Scale => vec![1.0; outputs],
        Kernel::Aggregation { middle } if is_there(&by_function) => {
            let rows = rows(graph, by_function, inputs, outputs)?;
            let channels = inputs / middle.max(1);
            // From [function, channel] to [channel, function].
            let row = |input: usize| &rows[(input % middle * channels + input / middle) * outputs..][..outputs];
            (0..inputs).flat_map(row).copied().collect()
        }
        _ => kernel(graph, name, inputs, outputs)?,
    };
    Ok(FoldedConvolution { inputs, outputs, weight, bias: biases(graph, convolution.biases(), outputs)? })
}

/// From where to where a piece reaches, of the rest of its name: `from:to]`.
fn bounds(rest: &str) -> Option<(usize, usize)> {
    let (from, to) = rest.strip_suffix(']')?.split_once(':')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// The pieces `<name><open>from:to]` that there are, in order.
fn pieces(graph: &GraphProto, name: &str, open: &str) -> BTreeSet<(usize, usize)> {
    let of = |tensor: &TensorProto| bounds(tensor.name.strip_prefix(name)?.strip_prefix(open)?);
    graph.initializer.iter().filter_map(of).collect()
}

/// Whether pieces follow each other without a gap up to `size`; an error where they overlap or leave one.
fn is_whole(name: &str, open: &str, pieces: &BTreeSet<(usize, usize)>, size: usize) -> Result<bool, WeightsError> {
    let mut next = 0;
    for &(from, to) in pieces {
        if from != next || to <= from || to > size {
            let (expected, actual) = (vec![next, size], vec![from, to]);
            return Err(WeightsError::Shape { name: format!("{name}{open}{from}:{to}]"), expected, actual });
        }
        next = to;
    }
    Ok(next == size && next > 0)
}

/// Rows `from..to` that are there only in a sum with other rows of as many, `<name>[from:to]+[from:to]`.
fn rows_of_sums(
    graph: &GraphProto,
    name: &str,
    outputs: usize,
) -> Result<BTreeMap<(usize, usize), Vec<f32>>, WeightsError> {
    let there = pieces(graph, name, "[");
    let sum = |tensor: &TensorProto| {
        let (one, other) = tensor.name.strip_prefix(name)?.strip_prefix('[')?.split_once("+[")?;
        Some((bounds(one)?, bounds(other)?))
    };
    let mut found = BTreeMap::new();
    for (one, other) in graph.initializer.iter().filter_map(sum) {
        let text = |(from, to): (usize, usize)| format!("[{from}:{to}]");
        let count = one.1.saturating_sub(one.0);
        if there.contains(&one) || !there.contains(&other) {
            continue;
        }
        let sum = rows(graph, format!("{name}{}+{}", text(one), text(other)), count, outputs)?;
        let other = rows(graph, format!("{name}{}", text(other)), count, outputs)?;
        found.insert(one, sum.iter().zip(other).map(|(sum, other)| sum - other).collect());
    }
    Ok(found)
}

/// A kernel, whole or cut by rows or columns, in floats or in 8 bits.
fn kernel(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    if graph.initializer.iter().any(|tensor| tensor.name == name) {
        return rows(graph, name, inputs, outputs);
    }
    let by_columns = pieces(graph, &name, "[:,");
    if by_columns.is_empty() {
        let mut by_rows = rows_of_sums(graph, &name, outputs)?;
        for (from, to) in pieces(graph, &name, "[") {
            let count = to.saturating_sub(from);
            by_rows.insert((from, to), rows(graph, format!("{name}[{from}:{to}]"), count, outputs)?);
        }
        return match is_whole(&name, "[", &by_rows.keys().copied().collect(), inputs)? {
            true => Ok(by_rows.into_values().flatten().collect()),
            false => Err(WeightsError::Missing { name, shape: vec![inputs, outputs] }),
        };
    }
    if !is_whole(&name, "[:,", &by_columns, outputs)? {
        return Err(WeightsError::Missing { name, shape: vec![inputs, outputs] });
    }
    let mut values = vec![0.0; inputs * outputs];
    for (from, to) in by_columns {
        let piece = rows(graph, format!("{name}[:,{from}:{to}]"), inputs, to - from)?;
        for (row, piece) in values.chunks_exact_mut(outputs).zip(piece.chunks_exact(to - from)) {
            row[from..to].copy_from_slice(piece);
        }
    }
    Ok(values)
}

/// Biases, whole or in pieces.
fn biases(graph: &GraphProto, name: String, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let found = pieces(graph, &name, "[");
    if is_whole(&name, "[", &found, outputs)? {
        let piece = |(from, to): (usize, usize)| floats(graph, format!("{name}[{from}:{to}]"), &[to - from]);
        return Ok(found.into_iter().map(piece).collect::<Result<Vec<_>, _>>()?.concat());
    }
    floats(graph, name, &[outputs])
}

/// A kernel or a piece of one, with the factor that its input is multiplied by.
fn rows(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let factor_name = format!("{name}/{INPUT_FACTOR}");
    let mut values = stored_rows(graph, name, inputs, outputs)?;
    if graph.initializer.iter().any(|tensor| tensor.name == factor_name) {
        let factors = floats(graph, factor_name, &[inputs])?;
        for (row, factor) in values.chunks_exact_mut(outputs.max(1)).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }
    Ok(values)
}

fn stored_rows(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name);
    let Some(tensor) = tensor.filter(|tensor| tensor.data_type == DataType::Int8 as i32) else {
        return floats(graph, name, &[inputs, outputs]);
    };
    let actual: Vec<usize> = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    if actual != [inputs, outputs] || tensor.raw_data.len() != inputs * outputs {
        return Err(WeightsError::Shape { name, expected: vec![inputs, outputs], actual });
    }
    let scale_name = format!("{name}/scale");
    let scale = floats(graph, scale_name.clone(), &[outputs])?;
    if let Some(index) = scale.iter().position(|scale| *scale <= 0.0) {
        return Err(WeightsError::Scale { name: scale_name, index, value: scale[index] });
    }
    let steps = tensor.raw_data.iter().map(|&byte| f32::from(byte as i8));
    Ok(steps.zip(scale.iter().cycle()).map(|(step, scale)| step * scale).collect())
}

fn floats(graph: &GraphProto, name: String, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
    let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name) else {
        return Err(WeightsError::Missing { name, shape: shape.to_vec() });
    };
    let actual: Vec<usize> = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    let is_half = tensor.data_type == DataType::Float16 as i32;
    let bytes = if is_half { 2 } else { 4 } * shape.iter().product::<usize>();
    if actual != shape || tensor.raw_data.len() != bytes {
        return Err(WeightsError::Shape { name, expected: shape.to_vec(), actual });
    }
    if tensor.data_type != DataType::Float as i32 && !is_half {
        return Err(WeightsError::Type { name, actual: type_name(tensor) });
    }
    let values: Vec<f32> = if is_half {
        tensor.raw_data.as_chunks().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect()
    } else {
        tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(WeightsError::NotFinite { name, index, value: values[index] }),
        None => Ok(values),
    }
}

fn type_name(tensor: &TensorProto) -> String {
    DataType::try_from(tensor.data_type).map_or("unknown", |data_type| data_type.as_str_name()).to_owned()
}
