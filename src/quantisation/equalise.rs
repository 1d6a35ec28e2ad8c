//! Cross-layer equalisation: the same network, with channels of like size.
//!
//! A value is quantised with one scale for all its channels, so a channel a tenth as large as the largest
//! keeps a tenth of the steps. Under ReLU, maximum, gather and interpolation a channel may be divided by
//! any positive number, if whoever computes it (columns of kernels, biases) is divided by it and whoever
//! multiplies it (rows of kernels) is multiplied. Kernels have a scale for every column, so the division
//! is free; the multiplication is what is traded (`strength`).
//!
//! Sources: Nagel et al., *Data-Free Quantization* (ICCV 2019), §4.1; Xiao et al., *SmoothQuant* (ICML
//! 2023), eq. 4.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Node};

/// Channels are not scaled by more than this, up or down.
const LARGEST_FACTOR: f32 = 256.0;

/// Values whose channels can only be scaled together, and who reads and writes them.
#[derive(Debug, Default)]
struct Classes {
    parent: Vec<usize>,
    frozen: Vec<bool>,
    class_of: BTreeMap<String, usize>,
    /// Kernels whose columns give the class.
    producers: BTreeMap<String, usize>,
    biases: BTreeMap<String, usize>,
    /// Kernels whose rows read the class.
    consumers: BTreeMap<String, usize>,
}

impl Classes {
    fn fresh(&mut self, frozen: bool) -> usize {
        self.parent.push(self.parent.len());
        self.frozen.push(frozen);
        self.parent.len() - 1
    }

    fn root(&self, mut class: usize) -> usize {
        while self.parent[class] != class {
            class = self.parent[class];
        }
        class
    }

    fn unite(&mut self, one: usize, other: usize) -> usize {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[other] = one;
        self.frozen[one] |= self.frozen[other];
        one
    }

    fn freeze(&mut self, class: usize) {
        let root = self.root(class);
        self.frozen[root] = true;
    }

    fn of(&mut self, value: &str) -> usize {
        match self.class_of.get(value) {
            Some(&class) => class,
            None => {
                let class = self.fresh(true);
                self.class_of.insert(value.to_owned(), class);
                class
            }
        }
    }

    /// Notes a kernel or bias; one that serves several classes ties them together.
    fn note(&mut self, list: fn(&mut Self) -> &mut BTreeMap<String, usize>, name: &str, class: usize) {
        match list(self).get(name).copied() {
            Some(earlier) => drop(self.unite(earlier, class)),
            None => drop(list(self).insert(name.to_owned(), class)),
        }
    }

    fn visit(&mut self, graph: &Graph, node: &Node, shapes: &BTreeMap<String, Vec<usize>>) {
        let values: Vec<&str> =
            node.inputs.iter().map(String::as_str).filter(|input| !graph.constants.contains_key(*input)).collect();
        let channels = |value: &str| shapes.get(value).and_then(|shape| shape.last()).copied().unwrap_or(1);
        let rank = |value: &str| shapes.get(value).map_or(0, Vec::len) as i64;
        let own = channels(&node.output);
        let axis_is_inner = || {
            let listed = node.inputs.get(3).and_then(|name| graph.integers(name)?.first().copied());
            let axis = node.attribute("axis").or(node.attribute("axes")).or(listed).unwrap_or(0);
            axis != rank(values[0]) - 1 && axis != -1
        };
        let class = match node.operator.as_str() {
            "MatMul" if graph.float(&node.inputs[1]).is_some_and(|kernel| kernel.shape.len() == 2) => {
                let read = self.of(values[0]);
                self.note(|it| &mut it.consumers, &node.inputs[1], read);
                let class = self.fresh(false);
                self.note(|it| &mut it.producers, &node.inputs[1], class);
                Some(class)
            }
            "Add" if values.len() == 1 => {
                let bias = node.inputs.iter().find(|input| graph.constants.contains_key(*input));
                let fits = |name: &&String| graph.float(name).is_some_and(|bias| bias.shape == [own]);
                bias.filter(fits).map(|bias| {
                    let class = self.of(values[0]);
                    self.note(|it| &mut it.biases, bias, class);
                    class
                })
            }
            "Add" | "Sub" | "Max" if values.len() == 2 && values.iter().all(|value| channels(value) == own) => {
                let (one, other) = (self.of(values[0]), self.of(values[1]));
                Some(self.unite(one, other))
            }
            // A weight per point times all its channels.
            "Mul"
                if values.len() == 2 && own > 1 && values.iter().filter(|value| channels(value) == 1).count() == 1 =>
            {
                values.iter().find(|value| channels(value) == own).map(|value| self.of(value))
            }
            "Relu" => Some(self.of(values[0])),
            "Gather" => Some(self.of(values[0])),
            "Slice" | "ReduceMax" if axis_is_inner() => Some(self.of(values[0])),
            "Reshape" if channels(values[0]) == own => Some(self.of(values[0])),
            "Concat" if axis_is_inner() => {
                let first = self.of(values[0]);
                Some(values[1..].iter().fold(first, |class, value| {
                    let other = self.of(value);
                    self.unite(class, other)
                }))
            }
            _ => None,
        };
        let class = class.unwrap_or_else(|| {
            for value in &values {
                let class = self.of(value);
                self.freeze(class);
            }
            self.fresh(true)
        });
        self.class_of.insert(node.output.clone(), class);
    }
}

/// Equalises the parts of a network, in order. `largest` is the largest magnitude of every channel of the
/// values that are multiplied by kernels. `strength` 0 leaves all as it is; 1 makes all channels of a value
/// equally large, whatever that does to the kernels.
///
/// Gives the names of the values, of those in `largest`, whose channels were scaled.
pub fn equalise(
    graphs: &mut [Graph],
    shapes: &BTreeMap<String, Vec<usize>>,
    largest: &BTreeMap<String, Vec<f32>>,
    strength: f32,
) -> BTreeSet<String> {
    if strength <= 0.0 {
        return BTreeSet::new();
    }
    let mut classes = Classes::default();
    for graph in graphs.iter() {
        for input in graph.inputs() {
            // The fusion between the parts is a maximum over points: the head reads what the body gives.
            match (input, classes.class_of.get("fusion_features").copied()) {
                ("fused", Some(class)) => classes.class_of.insert(input.to_owned(), class),
                _ => {
                    let class = classes.fresh(true);
                    classes.class_of.insert(input.to_owned(), class)
                }
            };
        }
        graph.nodes.iter().for_each(|node| classes.visit(graph, node, shapes));
        for output in graph.outputs().filter(|&output| output != "fusion_features") {
            let class = classes.of(output);
            classes.freeze(class);
        }
    }
    let factors = factors(graphs, &classes, largest, strength);
    for graph in graphs.iter_mut() {
        apply(graph, &classes, &factors);
    }
    let is_scaled =
        |value: &&String| classes.class_of.get(*value).is_some_and(|&class| factors.contains_key(&classes.root(class)));
    largest.keys().filter(is_scaled).cloned().collect()
}

/// By what each channel is divided, from the largest magnitudes of its values and of the kernels' rows that read it.
/// The factors' geometric mean is 1; a channel that is never used keeps its size.
pub(super) fn balance(activation: &[f32], weight: &[f32], strength: f32) -> Vec<f32> {
    let raw = activation.iter().zip(weight).map(|(a, w)| a.powf(strength) / w.powf(1.0 - strength));
    let raw: Vec<f32> = raw.collect();
    let sound: Vec<f32> = raw.iter().copied().filter(|factor| factor.is_normal()).collect();
    let middle =
        (sound.iter().map(|factor| f64::from(factor.ln())).sum::<f64>() / sound.len().max(1) as f64).exp() as f32;
    let factor = |factor: f32| match factor.is_normal() {
        true => (factor / middle).clamp(1.0 / LARGEST_FACTOR, LARGEST_FACTOR),
        false => 1.0,
    };
    raw.into_iter().map(factor).collect()
}

/// By what the channels of each class are divided.
fn factors(
    graphs: &[Graph],
    classes: &Classes,
    largest: &BTreeMap<String, Vec<f32>>,
    strength: f32,
) -> BTreeMap<usize, Vec<f32>> {
    let mut activation: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let mut weight: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let raise = |all: &mut BTreeMap<usize, Vec<f32>>, class: usize, values: &[f32]| {
        let kept = all.entry(class).or_insert_with(|| vec![0.0; values.len()]);
        kept.iter_mut().zip(values).for_each(|(kept, value)| *kept = kept.max(*value));
    };
    for (value, largest) in largest {
        if let Some(&class) = classes.class_of.get(value) {
            raise(&mut activation, classes.root(class), largest);
        }
    }
    for (kernel, &class) in &classes.consumers {
        let Some(kernel) = graphs.iter().find_map(|graph| graph.float(kernel)) else { continue };
        let of_row = |row: &[f32]| row.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let rows: Vec<f32> = kernel.values.chunks_exact(kernel.channels()).map(of_row).collect();
        raise(&mut weight, classes.root(class), &rows);
    }
    let produced: BTreeSet<usize> = classes.producers.values().map(|&class| classes.root(class)).collect();
    let mut factors = BTreeMap::new();
    for (class, activation) in activation {
        let Some(weight) = weight.get(&class) else { continue };
        if classes.frozen[class] || !produced.contains(&class) || weight.len() != activation.len() {
            continue;
        }
        factors.insert(class, balance(&activation, weight, strength));
    }
    factors
}

fn apply(graph: &mut Graph, classes: &Classes, factors: &BTreeMap<usize, Vec<f32>>) {
    for (list, divide) in [(&classes.producers, true), (&classes.biases, true), (&classes.consumers, false)] {
        for (name, &class) in list {
            let (Some(factors), Some(tensor)) = (factors.get(&classes.root(class)), graph.float_mut(name)) else {
                continue;
            };
            let columns = tensor.channels();
            if divide {
                tensor.values.chunks_exact_mut(columns).for_each(|row| {
                    row.iter_mut().zip(factors).for_each(|(value, factor)| *value /= factor);
                });
            } else {
                tensor.values.chunks_exact_mut(columns).zip(factors).for_each(|(row, factor)| {
                    row.iter_mut().for_each(|value| *value *= factor);
                });
            }
        }
    }
}
