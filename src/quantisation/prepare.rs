//! Shapes a part so that every matrix product has one input and one kernel of its own.
//!
//! The exported parts slice rows out of whole kernels, make kernels of kernels (PointConv's, with its normalisation
//! inside) and multiply positions and features side by side.
//! A position is centimetres in metres: in 8 bits it would lose just what a network looks at. So a product
//! of `[position, features]` becomes two, and only the second can be quantised.

use std::collections::{BTreeMap, BTreeSet};

use super::Tensor;
use super::graph::{Constant, Graph, Node};
use super::plain::constant;

/// A matrix product that may be quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Name of its node.
    pub node: String,
    /// The value that it multiplies.
    pub value: String,
    /// Its kernel: a constant `inputs × outputs`.
    pub kernel: String,
    /// Multiply-accumulates of one block.
    pub products: u64,
}

/// Name of the rows `start..end` of a kernel, as a constant of their own.
pub fn rows_of(kernel: &str, start: usize, end: usize) -> String {
    format!("{kernel}[{start}:{end}]")
}

/// Cuts kernels apart. `shapes` are those of all values of the graph.
pub fn prepare(graph: &mut Graph, shapes: &BTreeMap<String, Vec<usize>>) {
    fold_constants(graph);
    split_products(graph, shapes);
    graph.drop_unused_constants();
}

/// Nodes that read constants alone become constants. A piece of a kernel or bias, and the sum of two of them, are
/// called by what they are of, so that the parameters can be read back.
fn fold_constants(graph: &mut Graph) {
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for mut node in std::mem::take(&mut graph.nodes) {
        for input in &mut node.inputs {
            if let Some(new) = renamed.get(input) {
                input.clone_from(new);
            }
        }
        let Some(folded) = constant(graph, &node) else {
            graph.nodes.push(node);
            continue;
        };
        let name = match node.operator.as_str() {
            "Slice" => piece(graph, &node, &folded),
            "Add" => sum_of_pieces(&node),
            _ => None,
        };
        let name = name.unwrap_or_else(|| node.output.clone());
        graph.constants.insert(name.clone(), Constant::Float(folded));
        renamed.insert(node.output, name);
    }
}

/// `name[from:to]`, or of columns `name[:,from:to]`.
fn piece(graph: &Graph, slice: &Node, folded: &Tensor) -> Option<String> {
    let bound = |input: usize| graph.integers(slice.inputs.get(input)?)?.first().copied();
    let (start, axis) = (usize::try_from(bound(1)?).ok()?, usize::try_from(bound(3)?).ok()?);
    let (source, end) = (&slice.inputs[0], start + folded.shape.get(axis)?);
    match (folded.shape.len(), axis) {
        (1 | 2, 0) => Some(rows_of(source, start, end)),
        (2, 1) => Some(format!("{source}[:,{start}:{end}]")),
        _ => None,
    }
}

/// `name[from:to]+[from:to]`.
fn sum_of_pieces(sum: &Node) -> Option<String> {
    let [one, other] = sum.inputs.as_slice() else { return None };
    let (kernel, _) = one.split_once('[')?;
    Some(format!("{one}+{}", other.strip_prefix(kernel)?))
}

/// Rows of a kernel as a constant of their own; gives its name.
fn cut(graph: &mut Graph, kernel: &str, start: usize, end: usize) -> String {
    let name = rows_of(kernel, start, end);
    if let Some(whole) = graph.float(kernel) {
        let columns = whole.channels();
        let values = whole.values[start * columns..end * columns].to_vec();
        graph.constants.insert(name.clone(), Constant::Float(Tensor { shape: vec![end - start, columns], values }));
    }
    name
}

/// Products of joined values, some of which are raw, become sums of products.
fn split_products(graph: &mut Graph, shapes: &BTreeMap<String, Vec<usize>>) {
    let raw = raw_values(graph);
    let joins: BTreeMap<String, Vec<String>> = graph
        .nodes
        .iter()
        .filter(|node| node.operator == "Concat" && joins_channels(node, shapes))
        .map(|node| (node.output.clone(), node.inputs.clone()))
        .collect();
    let mixed = |parts: &[String]| {
        let some_raw = parts.iter().any(|part| raw.contains(part));
        some_raw && !parts.iter().all(|part| raw.contains(part))
    };
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        let parts = (node.operator == "MatMul").then(|| joins.get(&node.inputs[0])).flatten();
        let (Some(parts), true) = (
            parts.filter(|parts| mixed(parts)),
            node.inputs.get(1).is_some_and(|kernel| graph.float(kernel).is_some()),
        ) else {
            nodes.push(node);
            continue;
        };
        let (mut start, mut sum) = (0, None::<String>);
        for (number, part) in parts.iter().enumerate() {
            let end = start + shapes[part].last().copied().unwrap_or(0);
            let kernel = cut(graph, &node.inputs[1], start, end);
            let output = rows_of(&node.output, start, end);
            nodes.push(Node::new("MatMul", &output, &[part, &kernel]));
            sum = Some(match sum {
                None => output,
                Some(sum) => {
                    let last = number + 1 == parts.len();
                    let name = if last { node.output.clone() } else { format!("{output}/sum") };
                    nodes.push(Node::new("Add", &name, &[&sum, &output]));
                    name
                }
            });
            start = end;
        }
    }
    // Joins that nobody reads any more.
    let read: BTreeSet<String> = nodes.iter().flat_map(|node| node.inputs.clone()).collect();
    let outputs: BTreeSet<String> = graph.outputs().map(str::to_owned).collect();
    nodes.retain(|node| node.operator != "Concat" || read.contains(&node.output) || outputs.contains(&node.output));
    graph.nodes = nodes;
}

fn joins_channels(node: &Node, shapes: &BTreeMap<String, Vec<usize>>) -> bool {
    let rank = shapes.get(&node.output).map_or(0, Vec::len) as i64;
    node.attribute("axis").is_some_and(|axis| axis == rank - 1 || axis == -1)
}

/// Values that are made of the part's inputs without any product: coordinates, colours, weights of an
/// interpolation. The fused features, which the body computed, are none.
fn raw_values(graph: &Graph) -> BTreeSet<String> {
    let mut raw: BTreeSet<String> = graph.inputs().filter(|&input| input != "fused").map(str::to_owned).collect();
    for node in &graph.nodes {
        let constant = |input: &String| graph.constants.contains_key(input);
        if node.operator != "MatMul" && node.inputs.iter().all(|input| raw.contains(input) || constant(input)) {
            raw.insert(node.output.clone());
        }
    }
    raw
}

/// The products of a prepared graph that may be quantised: a computed value times a constant kernel.
pub fn products_of(graph: &Graph, shapes: &BTreeMap<String, Vec<usize>>) -> Vec<Product> {
    let raw = raw_values(graph);
    let candidates = graph.nodes.iter().filter(|node| node.operator == "MatMul" && !raw.contains(&node.inputs[0]));
    candidates
        .filter(|node| graph.float(&node.inputs[1]).is_some_and(|kernel| kernel.shape.len() == 2))
        .map(|node| Product {
            node: node.output.clone(),
            value: node.inputs[0].clone(),
            kernel: node.inputs[1].clone(),
            products: product_count(node, shapes),
        })
        .collect()
}

/// Multiply-accumulates of every product of a graph, quantisable or not.
pub fn all_products(graph: &Graph, shapes: &BTreeMap<String, Vec<usize>>) -> u64 {
    graph.nodes.iter().filter(|node| node.operator == "MatMul").map(|node| product_count(node, shapes)).sum()
}

fn product_count(node: &Node, shapes: &BTreeMap<String, Vec<usize>>) -> u64 {
    let size = |name: &str| shapes.get(name).map_or(0, |shape| shape.iter().product::<usize>());
    let inner = shapes.get(&node.inputs[0]).and_then(|shape| shape.last()).copied().unwrap_or(0);
    (size(&node.output) * inner) as u64
}
