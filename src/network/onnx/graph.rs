//! Building an ONNX graph node by node.

use super::inputs::{NetworkInput, ValueType};
use super::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto::Dimension,
    tensor_shape_proto::dimension, type_proto,
};

/// Version of the operator set.
pub(crate) const OPERATOR_SET: i64 = 17;
/// Version of the file format that goes with it.
pub(crate) const FILE_FORMAT: i64 = 8;

/// Slots of the largest tree of binary maxima over rows.
const LARGEST_TREE: usize = 32;

/// A graph under construction. Values are named by whoever makes them; a node has its output's name.
#[derive(Default)]
pub(super) struct GraphBuilder {
    graph: GraphProto,
}

impl GraphBuilder {
    pub fn new(name: &str) -> Self {
        Self { graph: GraphProto { name: name.to_owned(), ..GraphProto::default() } }
    }

    pub fn input(&mut self, input: &NetworkInput) {
        self.graph.input.push(value_info(input));
    }

    pub fn output(&mut self, output: &NetworkInput) {
        self.graph.output.push(value_info(output));
    }

    /// Adds a constant once; a second one of the same name is the same.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initialiser(name, shape, DataType::Float, bytes);
    }

    fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("integers/{}", values.iter().map(i64::to_string).collect::<Vec<_>>().join("_"));
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initialiser(&name, &[values.len()], DataType::Int64, bytes);
        name
    }

    fn initialiser(&mut self, name: &str, shape: &[usize], data_type: DataType, raw_data: Vec<u8>) {
        if self.graph.initializer.iter().any(|existing| existing.name == name) {
            return;
        }
        self.graph.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: data_type as i32,
            raw_data,
            ..TensorProto::default()
        });
    }

    pub fn node(&mut self, operator: &str, output: impl Into<String>, inputs: &[&str]) -> String {
        self.node_with(operator, output, inputs, Vec::new())
    }

    fn node_with(
        &mut self,
        operator: &str,
        output: impl Into<String>,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> String {
        let output = output.into();
        self.graph.node.push(NodeProto {
            name: output.clone(),
            op_type: operator.to_owned(),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            attribute,
            ..NodeProto::default()
        });
        output
    }

    /// `values[range]` along an axis.
    pub fn slice(&mut self, output: &str, value: &str, axis: usize, start: usize, end: usize) -> String {
        let starts = self.integers(&[start as i64]);
        let ends = self.integers(&[end as i64]);
        let axes = self.integers(&[axis as i64]);
        self.node("Slice", output, &[value, &starts, &ends, &axes])
    }

    pub fn reshape(&mut self, output: &str, value: &str, shape: &[usize]) -> String {
        let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let shape = self.integers(&shape);
        self.node("Reshape", output, &[value, &shape])
    }

    pub fn concatenate(&mut self, output: &str, values: &[&str], axis: usize) -> String {
        self.node_with("Concat", output, values, vec![integer_attribute("axis", axis)])
    }

    /// Rows of `values` by index.
    pub fn gather(&mut self, output: &str, values: &str, indices: &str) -> String {
        self.node_with("Gather", output, &[values, indices], vec![integer_attribute("axis", 0)])
    }

    /// One row, as many times as asked.
    pub fn repeat_rows(&mut self, output: &str, value: &str, rows: usize) -> String {
        let repeats = self.integers(&[rows as i64, 1]);
        self.node("Tile", output, &[value, &repeats])
    }

    /// Axes in another order.
    pub fn transpose(&mut self, output: &str, value: &str, order: &[usize]) -> String {
        self.node_with("Transpose", output, &[value], vec![integers_attribute("perm", order)])
    }

    /// Mean or maximum over one axis, which stays with size 1.
    pub fn reduce(&mut self, operator: &str, output: &str, value: &str, axis: usize) -> String {
        let attributes = vec![integers_attribute("axes", &[axis]), integer_attribute("keepdims", 1)];
        self.node_with(operator, output, &[value], attributes)
    }

    /// A tree of binary operations over the first axis of `[slots, rows, channels]`, halves with halves: an
    /// engine's own reduction over a leading axis walks memory in strides. Gives `[rows, channels]`.
    pub fn tree(&mut self, operator: &str, scope: &str, value: String, [slots, rows, channels]: [usize; 3]) -> String {
        let (mut current, mut left, mut step) = (value, slots, 0);
        while left > 1 {
            let half = left / 2;
            let name = |part: &str| format!("{scope}/{part}{step}");
            let low = self.slice(&name("low"), &current, 0, 0, half);
            let high = self.slice(&name("high"), &current, 0, half, 2 * half);
            let pair = self.node(operator, name("pair"), &[&low, &high]);
            current = if left % 2 == 1 {
                let odd = self.slice(&name("odd"), &current, 0, 2 * half, left);
                self.concatenate(&name("joined"), &[&pair, &odd], 0)
            } else {
                pair
            };
            left = left.div_ceil(2);
            step += 1;
        }
        self.reshape(&format!("{scope}/pooled"), &current, &[rows, channels])
    }

    /// The maximum over all rows of a value `[rows, channels]`, as `[1, channels]`: trees of at most
    /// [`LARGEST_TREE`] slots, one after another. One tree over thousands of rows would be right too, but tract pushes
    /// every slice up through the maxima before it, twice as many at each step, and never ends loading.
    pub fn maximum_of_rows(&mut self, scope: &str, value: String, rows: usize, channels: usize) -> String {
        let (mut value, mut left, mut step) = (value, rows, 0);
        while left > 1 {
            let Some(slots) = (2..=LARGEST_TREE.min(left)).rev().find(|&slots| left.is_multiple_of(slots)) else {
                // A number of rows that no tree divides: slow, and right.
                return self.reduce("ReduceMax", &format!("{scope}/rest"), &value, 0);
            };
            let scope = format!("{scope}/stage{step}");
            value = self.reshape(&format!("{scope}/grouped"), &value, &[slots, left / slots, channels]);
            left /= slots;
            value = self.tree("Max", &scope, value, [slots, left, channels]);
            step += 1;
        }
        value
    }

    pub fn finish(self, producer: &str) -> ModelProto {
        ModelProto {
            ir_version: FILE_FORMAT,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATOR_SET }],
            producer_name: producer.to_owned(),
            graph: Some(self.graph),
            ..ModelProto::default()
        }
    }
}

fn integer_attribute(name: &str, value: usize) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i: value as i64,
        ..AttributeProto::default()
    }
}

fn integers_attribute(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: values.iter().map(|&value| value as i64).collect(),
        ..AttributeProto::default()
    }
}

/// How a graph declares an input or output.
pub(super) fn value_info(value: &NetworkInput) -> ValueInfoProto {
    let dimension =
        |&size: &usize| Dimension { value: Some(dimension::Value::DimValue(size as i64)), ..Dimension::default() };
    let data_type = match value.value_type {
        ValueType::Float => DataType::Float,
        ValueType::Index => DataType::Int32,
    };
    let tensor = type_proto::Tensor {
        elem_type: data_type as i32,
        shape: Some(TensorShapeProto { dim: value.shape.iter().map(dimension).collect() }),
    };
    ValueInfoProto {
        name: value.name.clone(),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}
