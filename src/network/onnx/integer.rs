//! The products of a part that are in 8 bits, for engines that multiply in integers.

use std::collections::BTreeMap;

use super::super::manifest::PartRole;
use super::INPUT_FACTOR;
use super::messages::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};
use super::read::{PartError, decode};

/// A product in 8 bits: `(Σ_k step[k] · value[k]) · input scale · scale`, where
/// `step[k] = round(x[k] · factor[k] / input scale)`, half to even, −128..=127.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IntegerKernel {
    /// Input width.
    pub inputs: usize,
    /// Output width.
    pub outputs: usize,
    /// `inputs × outputs`, row by input.
    pub values: Vec<i8>,
    /// What a step of each output's weights stands for.
    pub scale: Vec<f32>,
    /// What a step of the input stands for.
    pub input_scale: f32,
    /// What the input is multiplied with first, channel by channel.
    pub input_factor: Option<Vec<f32>>,
}

/// Every product in 8 bits, by the name of its kernel as it stands in the part. A kernel that is multiplied with
/// inputs of different scales is left out, and so is anything that is not of the form that `instanton calibrate`
/// writes: it can be run in floats.
///
/// # Errors
/// [`PartError`] where a part cannot be decoded.
pub(crate) fn integer_kernels(parts: &[(PartRole, &[u8])]) -> Result<BTreeMap<String, IntegerKernel>, PartError> {
    let mut found = BTreeMap::new();
    for &(role, bytes) in parts {
        let graph = decode(role, bytes)?;
        let part = Part::new(&graph);
        let mut scales: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for product in graph.node.iter().filter(|node| node.op_type == "MatMul") {
            if let Some((kernel, scale)) = part.quantised(product) {
                scales.entry(kernel).or_default().push(scale);
            }
        }
        for (name, scales) in scales {
            let same = scales.iter().all(|scale| *scale == scales[0]);
            if let Some(kernel) = part.kernel(name, scales[0]).filter(|_| same) {
                found.insert(name.to_owned(), kernel);
            }
        }
    }
    Ok(found)
}

/// A graph by the names in it.
struct Part<'g> {
    nodes: BTreeMap<&'g str, &'g NodeProto>,
    constants: BTreeMap<&'g str, &'g TensorProto>,
}

impl<'g> Part<'g> {
    fn new(graph: &'g GraphProto) -> Self {
        let outputs = |node: &'g NodeProto| node.output.iter().map(move |output| (output.as_str(), node));
        Self {
            nodes: graph.node.iter().flat_map(outputs).collect(),
            constants: graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
        }
    }

    /// Kernel and input scale of a product of two dequantised values.
    fn quantised(&self, product: &'g NodeProto) -> Option<(&'g str, f32)> {
        let [value, kernel] = [0, 1].map(|input| product.input.get(input).map(|name| self.dequantised(name)));
        let (value, kernel) = (value??, kernel??);
        let quantise = self.nodes.get(value.input.first()?.as_str()).filter(|node| node.op_type == "QuantizeLinear")?;
        let scale = self.floats(quantise.input.get(1)?)?;
        let [scale] = scale.as_slice() else { return None };
        let usable = scale.is_normal() && *scale > 0.0;
        usable.then(|| Some((kernel.input.first()?.as_str(), *scale)))?
    }

    fn dequantised(&self, name: &str) -> Option<&'g NodeProto> {
        self.nodes.get(name).copied().filter(|node| node.op_type == "DequantizeLinear")
    }

    fn kernel(&self, name: &str, input_scale: f32) -> Option<IntegerKernel> {
        let tensor = self.constants.get(name).filter(|tensor| tensor.data_type == DataType::Int8 as i32)?;
        let [inputs, outputs] = <[i64; 2]>::try_from(tensor.dims.clone()).ok()?.map(|size| usize::try_from(size).ok());
        let (inputs, outputs) = (inputs?, outputs?);
        let scale = self.floats(&format!("{name}/scale"))?;
        let factor_name = format!("{name}/{INPUT_FACTOR}");
        let input_factor = match self.constants.contains_key(factor_name.as_str()) {
            true => Some(self.floats(&factor_name)?),
            false => None,
        };
        let values: Vec<i8> = tensor.raw_data.iter().map(|&byte| byte as i8).collect();
        let fits = values.len() == inputs * outputs
            && scale.len() == outputs
            && input_factor.as_ref().is_none_or(|factors| factors.len() == inputs);
        fits.then_some(IntegerKernel { inputs, outputs, values, scale, input_scale, input_factor })
    }

    fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(name).filter(|tensor| tensor.data_type == DataType::Float as i32)?;
        let values: Vec<f32> = match tensor.raw_data.is_empty() {
            true => tensor.float_data.clone(),
            false => tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        };
        values.iter().all(|value| value.is_finite()).then_some(values)
    }
}
