//! A part's ONNX graph as plain data, to be run, changed and written again.

use std::collections::BTreeMap;

use prost::Message;

use super::{QuantisationError, Tensor};
use crate::network::PartRole;
use crate::network::onnx::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
    attribute_proto::AttributeType, tensor_proto::DataType,
};
use crate::network::onnx::{FILE_FORMAT, OPERATOR_SET, decode};

/// A constant of a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// Single precision.
    Float(Tensor),
    /// Shapes, axes and bounds.
    Integer(Vec<i64>),
    /// 8-bit values with their shape.
    Byte(Vec<usize>, Vec<i8>),
}

/// One operation; it has one output and is called by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// ONNX operator.
    pub operator: String,
    /// Names of the values it reads.
    pub inputs: Vec<String>,
    /// Name of the value it gives.
    pub output: String,
    /// Its integer attributes.
    pub attributes: BTreeMap<String, Vec<i64>>,
}

impl Node {
    /// A node without attributes.
    pub fn new(operator: &str, output: impl Into<String>, inputs: &[&str]) -> Self {
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        Self { operator: operator.to_owned(), inputs, output: output.into(), attributes: BTreeMap::new() }
    }

    /// An integer attribute.
    pub fn attribute(&self, name: &str) -> Option<i64> {
        self.attributes.get(name).and_then(|values| values.first().copied())
    }
}

/// A part's graph: nodes in an order in which they can be run, and the constants they read.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Which part it is.
    pub role: PartRole,
    /// The nodes in order.
    pub nodes: Vec<Node>,
    /// Constants by name.
    pub constants: BTreeMap<String, Constant>,
    name: String,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
}

impl Graph {
    /// Reads a part.
    ///
    /// # Errors
    /// [`QuantisationError`] naming the constant or node that this version does not know.
    pub fn read(role: PartRole, bytes: &[u8]) -> Result<Self, QuantisationError> {
        let graph = decode(role, bytes)?;
        let constants = graph.initializer.iter().map(|tensor| Ok((tensor.name.clone(), constant(tensor)?)));
        let constants = constants.collect::<Result<_, QuantisationError>>()?;
        let nodes = graph.node.iter().map(node).collect::<Result<_, _>>()?;
        let GraphProto { name, input, output, .. } = graph;
        Ok(Self { role, nodes, constants, name, inputs: input, outputs: output })
    }

    /// The part as a file.
    pub fn write(&self) -> Vec<u8> {
        let graph = GraphProto {
            name: self.name.clone(),
            input: self.inputs.clone(),
            output: self.outputs.clone(),
            node: self.nodes.iter().map(node_proto).collect(),
            initializer: self.constants.iter().map(|(name, constant)| tensor_proto(name, constant)).collect(),
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: FILE_FORMAT,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATOR_SET }],
            producer_name: concat!("instanton ", env!("CARGO_PKG_VERSION")).to_owned(),
            graph: Some(graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    /// Names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|input| input.name.as_str())
    }

    /// Names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|output| output.name.as_str())
    }

    /// A floating-point constant.
    pub fn float(&self, name: &str) -> Option<&Tensor> {
        match self.constants.get(name) {
            Some(Constant::Float(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// As [`Graph::float`], to change it.
    pub fn float_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        match self.constants.get_mut(name) {
            Some(Constant::Float(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// An integer constant.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.constants.get(name) {
            Some(Constant::Integer(values)) => Some(values),
            _ => None,
        }
    }

    /// Drops constants that nobody reads any more.
    pub fn drop_unused_constants(&mut self) {
        let Self { nodes, constants, .. } = self;
        constants.retain(|name, _| nodes.iter().any(|node| node.inputs.contains(name)));
    }
}

fn refuse(node: &str, expected: &str, actual: String) -> QuantisationError {
    let (node, value, expected) = (node.to_owned(), "constant".to_owned(), expected.to_owned());
    QuantisationError::Value { node, value, expected, actual }
}

fn constant(tensor: &TensorProto) -> Result<Constant, QuantisationError> {
    let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
    let shape = sizes.collect::<Option<Vec<usize>>>();
    let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
    let width = match kind {
        DataType::Float => 4,
        DataType::Int64 => 8,
        DataType::Int8 => 1,
        _ => return Err(refuse(&tensor.name, "FLOAT, INT64 or INT8", kind.name())),
    };
    let count = shape
        .as_ref()
        .and_then(|shape| shape.iter().try_fold(width, |product: usize, &size| product.checked_mul(size)));
    let (Some(shape), true) = (shape, count == Some(tensor.raw_data.len())) else {
        let actual = format!("{} bytes of raw data", tensor.raw_data.len());
        return Err(refuse(&tensor.name, &format!("raw data of shape {:?}", tensor.dims), actual));
    };
    let words = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(match kind {
        DataType::Float => {
            Constant::Float(Tensor { shape, values: tensor.raw_data.chunks_exact(4).map(words).collect() })
        }
        DataType::Int64 => {
            let long =
                |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |value, &byte| value << 8 | u64::from(byte)) as i64;
            Constant::Integer(tensor.raw_data.chunks_exact(8).map(long).collect())
        }
        _ => Constant::Byte(shape, tensor.raw_data.iter().map(|&byte| byte as i8).collect()),
    })
}

fn tensor_proto(name: &str, constant: &Constant) -> TensorProto {
    let (shape, kind, raw_data) = match constant {
        Constant::Float(tensor) => (
            tensor.shape.clone(),
            DataType::Float,
            tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ),
        Constant::Integer(values) => {
            (vec![values.len()], DataType::Int64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        }
        Constant::Byte(shape, values) => {
            (shape.clone(), DataType::Int8, values.iter().map(|&value| value as u8).collect())
        }
    };
    let dims = shape.iter().map(|&size| size as i64).collect();
    TensorProto { name: name.to_owned(), dims, data_type: kind as i32, raw_data, ..TensorProto::default() }
}

fn node(proto: &NodeProto) -> Result<Node, QuantisationError> {
    let [output] = proto.output.as_slice() else {
        return Err(refuse(&proto.name, "one output", proto.output.len().to_string()));
    };
    let mut attributes = BTreeMap::new();
    for attribute in &proto.attribute {
        let values = match AttributeType::try_from(attribute.r#type) {
            Ok(AttributeType::Int) => vec![attribute.i],
            Ok(AttributeType::Ints) => attribute.ints.clone(),
            _ => return Err(refuse(&proto.name, "integer attributes", attribute.name.clone())),
        };
        attributes.insert(attribute.name.clone(), values);
    }
    Ok(Node { operator: proto.op_type.clone(), inputs: proto.input.clone(), output: output.clone(), attributes })
}

fn node_proto(node: &Node) -> NodeProto {
    let attribute = |(name, values): (&String, &Vec<i64>)| {
        // The lists of ONNX (`perm`, `axes`) are lists even with one entry.
        let list = ["perm", "axes"].contains(&name.as_str());
        let kind = if list { AttributeType::Ints } else { AttributeType::Int };
        let (i, ints) = if list { (0, values.clone()) } else { (values.first().copied().unwrap_or_default(), vec![]) };
        AttributeProto { name: name.clone(), r#type: kind as i32, i, ints, ..AttributeProto::default() }
    };
    NodeProto {
        name: node.output.clone(),
        op_type: node.operator.clone(),
        input: node.inputs.clone(),
        output: vec![node.output.clone()],
        attribute: node.attributes.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}
