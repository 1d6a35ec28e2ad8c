//! Which products are quantised and how, tried on the float graphs and then written into them.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Constant, Graph, Node};
use super::plain::{Observer, check_scale};
use super::prepare::Product;
use super::range::{Histogram, RangeMethod};
use super::tensor::{Arithmetic, QuantisedKernel, integer_product, quantise_all};
use super::{QuantisationError, Tensor};

/// Name of the zero point that every `QuantizeLinear` reads.
const ZERO_POINT: &str = "zero_point";

/// All that is needed to quantise any of a network's products.
#[derive(Clone, Debug, Default)]
pub struct QuantisationPlan {
    /// Step of each value that is multiplied.
    pub scales: BTreeMap<String, f32>,
    /// Kernels by the name of the product's node.
    pub kernels: BTreeMap<String, QuantisedKernel>,
    /// What is added to a product, per output, because quantising shifts its mean.
    pub corrections: BTreeMap<String, Vec<f32>>,
    /// The products that are quantised; the others stay in floats.
    pub enabled: BTreeSet<String>,
}

impl QuantisationPlan {
    /// Quantises every product: kernels by their largest weights, values by their histograms.
    ///
    /// # Errors
    /// [`QuantisationError::NoRange`] for a value that was never seen.
    pub fn new(
        graphs: &[Graph],
        products: &[Product],
        histograms: &BTreeMap<String, Histogram>,
        method: RangeMethod,
    ) -> Result<Self, QuantisationError> {
        let mut plan = Self::default();
        for product in products {
            let Some(histogram) = histograms.get(&product.value).filter(|histogram| !histogram.is_empty()) else {
                let (product, value) = (product.node.clone(), product.value.clone());
                return Err(QuantisationError::NoRange { product, value });
            };
            plan.scales.entry(product.value.clone()).or_insert_with(|| histogram.scale(method));
            if let Some(kernel) = graphs.iter().find_map(|graph| graph.float(&product.kernel)) {
                let kernel = QuantisedKernel::of(&kernel.values, kernel.shape[0], kernel.shape[1]);
                plan.kernels.insert(product.node.clone(), kernel);
            }
            plan.enabled.insert(product.node.clone());
        }
        Ok(plan)
    }

    /// The quantised result of a product, where its parts are known.
    pub fn product(&self, node: &Node, input: &Tensor) -> Option<Vec<f32>> {
        let (kernel, scale) = (self.kernels.get(&node.output)?, *self.scales.get(&node.inputs[0])?);
        let steps = quantise_all(&input.values, scale);
        let mut result = integer_product(&steps, scale, kernel, Arithmetic::Fast);
        if let Some(correction) = self.corrections.get(&node.output) {
            for row in result.chunks_exact_mut(kernel.outputs) {
                row.iter_mut().zip(correction).for_each(|(value, correction)| *value += correction);
            }
        }
        Some(result)
    }

    /// Writes the enabled products into graphs: kernels in 8 bits, `QuantizeLinear` and
    /// `DequantizeLinear` around them (QDQ), corrections into the biases.
    ///
    /// # Errors
    /// [`QuantisationError::Scale`] for a scale that cannot be divided by; [`QuantisationError::NoRange`]
    /// for an enabled product without one.
    pub fn apply(&self, graphs: &mut [Graph]) -> Result<(), QuantisationError> {
        graphs.iter_mut().try_for_each(|graph| self.apply_to(graph))
    }

    fn apply_to(&self, graph: &mut Graph) -> Result<(), QuantisationError> {
        let products = graph.nodes.iter().filter(|node| node.operator == "MatMul");
        let biases =
            products.filter_map(|node| Some((node.output.clone(), bias_of(graph, &node.inputs[1], &node.output)?)));
        let biases: BTreeMap<String, String> = biases.collect();
        let mut written = BTreeSet::new();
        let mut nodes = Vec::with_capacity(graph.nodes.len());
        for mut node in std::mem::take(&mut graph.nodes) {
            if !(node.operator == "MatMul" && self.enabled.contains(&node.output)) {
                nodes.push(node);
                continue;
            }
            let (value, kernel_name) = (node.inputs[0].clone(), node.inputs[1].clone());
            let (Some(kernel), Some(&scale)) = (self.kernels.get(&node.output), self.scales.get(&value)) else {
                return Err(QuantisationError::NoRange { product: node.output, value });
            };
            let scale_name = format!("{value}/scale");
            let dequantised = format!("{value}/dequantised");
            if written.insert(value.clone()) {
                check_scale(&scale_name, &[scale])?;
                graph
                    .constants
                    .insert(scale_name.clone(), Constant::Float(Tensor { shape: vec![], values: vec![scale] }));
                graph.constants.insert(ZERO_POINT.to_owned(), Constant::Byte(vec![], vec![0]));
                let steps = format!("{value}/quantised");
                nodes.push(Node::new("QuantizeLinear", &steps, &[&value, &scale_name, ZERO_POINT]));
                nodes.push(Node::new("DequantizeLinear", &dequantised, &[&steps, &scale_name, ZERO_POINT]));
            }
            let dequantised_kernel = format!("{kernel_name}/dequantised");
            if written.insert(kernel_name.clone()) {
                let scale_name = format!("{kernel_name}/scale");
                check_scale(&scale_name, &kernel.scale)?;
                let scale = Tensor { shape: vec![kernel.outputs], values: kernel.scale.clone() };
                graph.constants.insert(scale_name.clone(), Constant::Float(scale));
                let steps = Constant::Byte(vec![kernel.inputs, kernel.outputs], kernel.values.clone());
                graph.constants.insert(kernel_name.clone(), steps);
                let mut dequantise = Node::new("DequantizeLinear", &dequantised_kernel, &[&kernel_name, &scale_name]);
                dequantise.attributes.insert("axis".to_owned(), vec![1]);
                nodes.push(dequantise);
            }
            node.inputs = vec![dequantised, dequantised_kernel];
            let correction = self.corrections.get(&node.output);
            if let (Some(correction), Some(bias)) = (correction, biases.get(&node.output))
                && let Some(bias) = graph.float_mut(bias)
            {
                bias.values.iter_mut().zip(correction).for_each(|(bias, correction)| *bias += correction);
            }
            nodes.push(node);
        }
        graph.nodes = nodes;
        graph.drop_unused_constants();
        Ok(())
    }
}

/// The bias that is added to a kernel's product, sooner or later: that of the kernel's layer, or, for a kernel that
/// was made of others, what is added to the product at once.
pub fn bias_of(graph: &Graph, kernel: &str, product: &str) -> Option<String> {
    let of_layer = kernel.rsplit_once("/weights").map(|(scope, _)| format!("{scope}/biases"));
    let is_there = |bias: &String| graph.float(bias).is_some();
    of_layer.filter(is_there).or_else(|| {
        let reads = |node: &&Node| node.operator == "Add" && node.inputs.iter().any(|input| input == product);
        graph.nodes.iter().find(reads)?.inputs.iter().find(|&input| is_there(input)).cloned()
    })
}

/// Runs a float graph with a plan's enabled products in 8 bits.
pub struct Quantised<'p> {
    /// The plan.
    pub plan: &'p QuantisationPlan,
    /// Only this product, whatever is enabled.
    pub only: Option<&'p str>,
}

impl Observer for Quantised<'_> {
    fn product(&mut self, node: &Node, input: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError> {
        let wanted = match self.only {
            Some(only) => node.output == only,
            None => self.plan.enabled.contains(&node.output),
        };
        Ok(if wanted { self.plan.product(node, input) } else { None })
    }
}
