//! Reading parts back: do they fit an architecture, and what are their parameters?

use prost::Message;

use super::super::architecture::Architecture;
use super::super::convolution::Convolution;
use super::super::manifest::PartRole;
use super::super::weights::{Parameters, WeightsError};
use super::graph::{OPERATOR_SET, value_info};
use super::inputs::{NetworkInput, interface};
use super::messages::{
    GraphProto, ModelProto, ValueInfoProto, tensor_proto::DataLocation, tensor_proto::DataType, tensor_shape_proto,
    type_proto,
};
use super::stored::folded;

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
    let element = DataType::try_from(tensor.elem_type).map_or_else(|_| "unknown".to_owned(), DataType::name);
    let Some(shape) = &tensor.shape else { return format!("{element} of any shape") };
    let sizes = shape.dim.iter().map(|dimension| match &dimension.value {
        Some(Value::DimValue(size)) => size.to_string(),
        Some(Value::DimParam(name)) => name.clone(),
        None => "?".to_owned(),
    });
    format!("{element} [{}]", sizes.collect::<Vec<_>>().join(", "))
}
