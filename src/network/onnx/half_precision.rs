//! A part in 16-bit floats: the same graph, with casts where it meets the outside.
//!
//! What stays in 32 bits is what subtracts large numbers to get small ones. Coordinates are metres and
//! neighbours lie centimetres apart; a half has 11 bits, so a point 3 m up would be rounded to 2 mm. From
//! `features` and `position_*` on, everything linear therefore stays 32-bit up to the next ReLU or
//! sigmoid, behind the subtraction of the group's centre. Sums over many points (`ReduceMean`) stay 32-bit
//! too. Works on any part that [`super::export`] writes: it looks at the graph, not at the architecture.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::super::manifest::PartRole;
use super::super::weights::WeightsError;
use super::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, type_proto,
};
use super::read::PartError;

/// Behind these, values are bounded and no longer differences: 16 bits from here on.
const ENDS: [&str; 4] = ["Relu", "Sigmoid", "Softmax", "Tanh"];
/// These add up many values.
const SUMS: [&str; 2] = ["ReduceMean", "ReduceSum"];

/// Converts an encoded part.
///
/// # Errors
/// [`PartError`]: not a part, or a parameter beyond the range of a half (±65504), by name.
pub fn to_half_precision(role: PartRole, bytes: &[u8]) -> Result<Vec<u8>, PartError> {
    let format = |reason: String| PartError::Format { part: role, reason };
    let mut model = ModelProto::decode(bytes).map_err(|error| format(error.to_string()))?;
    let graph = model.graph.take().ok_or_else(|| format("no graph".to_owned()))?;
    model.graph = Some(Conversion::new(&graph).convert(graph)?);
    Ok(model.encode_to_vec())
}

/// A value's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Single,
    Half,
}

struct Conversion {
    /// Float values, and how many bits they come in. Constants are absent: they come in either.
    widths: BTreeMap<String, Width>,
    /// Values that carry coordinates in metres.
    precise: BTreeSet<String>,
    constants: BTreeMap<String, TensorProto>,
    /// Uses of constants so far.
    used: BTreeSet<(String, Width)>,
    nodes: Vec<NodeProto>,
    casts: BTreeSet<String>,
}

fn is_float_input(input: &ValueInfoProto) -> bool {
    let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|found| found.value.as_ref())
    else {
        return false;
    };
    tensor.elem_type == DataType::Float as i32
}

impl Conversion {
    fn new(graph: &GraphProto) -> Self {
        let floats = || graph.input.iter().filter(|input| is_float_input(input)).map(|input| input.name.clone());
        let in_metres = |name: &String| name == "features" || name.starts_with("position_");
        let constants = graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.clone())).collect();
        Self {
            widths: floats().map(|name| (name, Width::Single)).collect(),
            precise: floats().filter(in_metres).collect(),
            constants,
            used: BTreeSet::new(),
            nodes: Vec::new(),
            casts: BTreeSet::new(),
        }
    }

    fn convert(mut self, mut graph: GraphProto) -> Result<GraphProto, PartError> {
        let outputs: BTreeSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
        let derived = self.constant_nodes(&graph.node);
        for mut node in std::mem::take(&mut graph.node) {
            if let Some(&width) = derived.get(&node.output[0]) {
                self.take(&mut node, width);
                self.push(node, width, false);
                continue;
            }
            let floats: Vec<&String> = node.input.iter().filter(|input| self.widths.contains_key(*input)).collect();
            if floats.is_empty() {
                self.nodes.push(node);
                continue;
            }
            let ends = ENDS.contains(&node.op_type.as_str());
            let carries =
                !ends && floats.iter().any(|&input| self.precise.contains(input)) && !self.drops_metres(&node);
            let sums = SUMS.contains(&node.op_type.as_str());
            let width = if carries || sums { Width::Single } else { Width::Half };
            self.take(&mut node, width);
            let output = node.output[0].clone();
            if outputs.contains(&output) && width == Width::Half {
                // Outside, everything is 32-bit.
                node.output[0] = format!("{output}/half");
                node.name.clone_from(&node.output[0]);
                self.push(node, width, false);
                self.cast(&format!("{output}/half"), &output, Width::Single);
            } else {
                self.push(node, width, carries && !sums);
            }
        }
        graph.initializer = self.initialisers(std::mem::take(&mut graph.initializer))?;
        graph.node = self.nodes;
        graph.value_info.clear();
        Ok(graph)
    }

    /// Nodes that compute from constants alone (slices of a kernel), and in what their readers want them.
    fn constant_nodes(&self, nodes: &[NodeProto]) -> BTreeMap<String, Width> {
        let floating =
            |name: &String| self.constants.get(name).is_some_and(|tensor| tensor.data_type == DataType::Float as i32);
        let all = |node: &NodeProto| node.input.iter().all(|input| self.constants.contains_key(input));
        let found = nodes.iter().filter(|node| all(node) && node.input.first().is_some_and(floating));
        found
            .map(|node| {
                let reads = |reader: &&NodeProto| reader.input.contains(&node.output[0]);
                let in_metres = |reader: &NodeProto| {
                    // Rows of positions meet this kernel: see `set_abstraction` in `layers.rs`.
                    reader.input.iter().any(|input| self.precise.contains(input))
                };
                let precise = nodes.iter().filter(reads).any(in_metres);
                (node.output[0].clone(), if precise { Width::Single } else { Width::Half })
            })
            .collect()
    }

    /// Whether a node takes columns of the features behind the coordinates: colours and shares of the room.
    fn drops_metres(&self, node: &NodeProto) -> bool {
        let start = || {
            let tensor = self.constants.get(node.input.get(1)?)?;
            Some(i64::from_le_bytes(*tensor.raw_data.first_chunk()?))
        };
        node.op_type == "Slice" && node.input[0] == "features" && start().is_some_and(|start| start >= 3)
    }

    /// Makes every float input of a node come in `width`.
    fn take(&mut self, node: &mut NodeProto, width: Width) {
        for input in &mut node.input {
            if let Some(tensor) = self.constants.get(input) {
                if tensor.data_type == DataType::Float as i32 {
                    self.used.insert((input.clone(), width));
                    if width == Width::Half {
                        *input = format!("{input}/half");
                    }
                }
                continue;
            }
            let Some(&found) = self.widths.get(input) else { continue };
            if found == width {
                // A part's output that was renamed is still there under its inner name.
                continue;
            }
            let suffix = if width == Width::Half { "half" } else { "single" };
            let name = format!("{input}/{suffix}");
            if self.widths.get(&name) != Some(&width) && self.casts.insert(name.clone()) {
                self.cast(&input.clone(), &name, width);
            }
            *input = name;
        }
    }

    fn push(&mut self, node: NodeProto, width: Width, precise: bool) {
        for output in &node.output {
            self.widths.insert(output.clone(), width);
            if precise {
                self.precise.insert(output.clone());
            }
        }
        self.nodes.push(node);
    }

    fn cast(&mut self, from: &str, to: &str, width: Width) {
        let target = if width == Width::Half { DataType::Float16 } else { DataType::Float };
        let attribute = AttributeProto {
            name: "to".to_owned(),
            r#type: AttributeType::Int as i32,
            i: target as i64,
            ..AttributeProto::default()
        };
        let node = NodeProto {
            name: to.to_owned(),
            op_type: "Cast".to_owned(),
            input: vec![from.to_owned()],
            output: vec![to.to_owned()],
            attribute: vec![attribute],
            ..NodeProto::default()
        };
        self.push(node, width, false);
    }

    /// The constants as they are used. One that is only used as a half keeps its plain name, so that
    /// parameters can still be read by name.
    fn initialisers(&mut self, all: Vec<TensorProto>) -> Result<Vec<TensorProto>, PartError> {
        let mut kept = Vec::new();
        for tensor in all {
            let uses = |width| self.used.contains(&(tensor.name.clone(), width));
            let (single, half) = (uses(Width::Single), uses(Width::Half));
            if half {
                let mut converted = half_tensor(&tensor)?;
                if single {
                    converted.name = format!("{}/half", tensor.name);
                } else {
                    for node in &mut self.nodes {
                        let reads = node.input.iter_mut().filter(|input| **input == format!("{}/half", tensor.name));
                        reads.for_each(|input| input.clone_from(&tensor.name));
                    }
                }
                kept.push(converted);
            }
            if single || !half {
                kept.push(tensor);
            }
        }
        Ok(kept)
    }
}

fn half_tensor(tensor: &TensorProto) -> Result<TensorProto, WeightsError> {
    let mut bytes = Vec::with_capacity(tensor.raw_data.len() / 2);
    for (index, chunk) in tensor.raw_data.as_chunks().0.iter().enumerate() {
        let value = f32::from_le_bytes(*chunk);
        let half = half::f16::from_f32(value);
        if !half.is_finite() {
            return Err(WeightsError::BeyondHalf { name: tensor.name.clone(), index, value });
        }
        bytes.extend(half.to_le_bytes());
    }
    Ok(TensorProto { data_type: DataType::Float16 as i32, raw_data: bytes, ..tensor.clone() })
}
