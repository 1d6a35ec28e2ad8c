//! Channels of like size where [`super::equalise`] cannot reach: a factor per channel in front of a product.
//!
//! Equalisation moves a channel's size into the kernels that make it. Behind a product of two computed values
//! (PointConv's sums), a gate, or a join of unlike values there is no such kernel. There the value itself is
//! multiplied by one constant per channel before it is quantised, and the kernel's rows are divided by it: the
//! same function, at the price of one multiplication per value (*SmoothQuant*, Xiao et al., ICML 2023, without its
//! absorption into the layer before).
//!
//! The factor is called after its kernel, `<kernel>/input_factor`, so that the kernel's parameters can be read back.

use std::collections::{BTreeMap, BTreeSet};

use super::equalise::balance;
use super::graph::{Constant, Graph, Node};
use super::{Product, Tensor};
use crate::network::onnx::INPUT_FACTOR;

/// Values whose largest channel is less than this many times as large as the middle one are left alone.
const UNEVEN: f32 = 4.0;

/// Puts factors in front of the products whose value is uneven and not in `settled`. `largest` and `strength` as in
/// [`super::equalise::equalise`]. Gives the number of factors.
pub fn factor_inputs(
    graphs: &mut [Graph],
    products: &[Product],
    largest: &BTreeMap<String, Vec<f32>>,
    settled: &BTreeSet<String>,
    strength: f32,
) -> usize {
    if strength <= 0.0 {
        return 0;
    }
    let mut readers: BTreeMap<&str, usize> = BTreeMap::new();
    products.iter().for_each(|product| *readers.entry(&product.kernel).or_default() += 1);
    let mut count = 0;
    for product in products {
        let Some(activation) = largest.get(&product.value) else { continue };
        // A kernel that multiplies several values cannot have a factor for each.
        if settled.contains(&product.value) || readers[product.kernel.as_str()] > 1 || !uneven(activation) {
            continue;
        }
        let holder = graphs.iter_mut().find(|graph| graph.nodes.iter().any(|node| node.output == product.node));
        count += usize::from(holder.is_some_and(|graph| insert(graph, product, activation, strength)));
    }
    count
}

fn uneven(activation: &[f32]) -> bool {
    let mut sorted: Vec<f32> = activation.iter().copied().filter(|&value| value > 0.0).collect();
    sorted.sort_by(f32::total_cmp);
    sorted.last().is_some_and(|&most| most > UNEVEN * sorted[sorted.len() / 2])
}

fn insert(graph: &mut Graph, product: &Product, activation: &[f32], strength: f32) -> bool {
    let Some(kernel) = graph.float_mut(&product.kernel).filter(|kernel| kernel.shape[0] == activation.len()) else {
        return false;
    };
    let columns = kernel.channels();
    let rows = kernel.values.chunks_exact(columns);
    let weight: Vec<f32> = rows.map(|row| row.iter().fold(0.0, |most: f32, value| most.max(value.abs()))).collect();
    let factors = balance(activation, &weight, strength);
    for (row, factor) in kernel.values.chunks_exact_mut(columns).zip(&factors) {
        row.iter_mut().for_each(|value| *value *= factor);
    }
    let values: Vec<f32> = factors.iter().map(|factor| 1.0 / factor).collect();
    let name = format!("{}/{INPUT_FACTOR}", product.kernel);
    graph.constants.insert(name.clone(), Constant::Float(Tensor { shape: vec![values.len()], values }));
    let input = format!("{}/input", product.kernel);
    let place = graph.nodes.iter().position(|node| node.output == product.node).unwrap_or(graph.nodes.len());
    graph.nodes[place].inputs[0].clone_from(&input);
    graph.nodes.insert(place, Node::new("Mul", input, &[&product.value, &name]));
    true
}
