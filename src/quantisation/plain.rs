//! Runs a part's graph node by node: simple loops, in the order in which the part is written.
//!
//! This is the oracle of the quantised networks. What an ONNX runtime may fuse or re-order is done here
//! as the operators are defined: `QuantizeLinear` divides, rounds half to even and saturates; a product
//! of two dequantised values is summed in integers and scaled once ([`integer_product`]). The definition
//! itself scales first and sums in single precision, so a runtime may differ from this by the rounding of
//! those sums (about 1e-7 of the largest term), and hence by one 8-bit step where a value lies that close
//! to the middle between two steps. Where all scales are powers of two nothing is ever rounded, and every
//! runtime gives these very bits.
//!
//! A new operator of the networks needs one more arm here; until then it is refused by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::graph::{Constant, Graph, Node};
use super::operators::{
    Binary, binary, concatenate, gather, maximum_of, mean_of, reshape, reshaped, slice, slice_of, sum_of, transpose,
    transpose_of,
};
use super::tensor::{Arithmetic, QuantisedKernel, integer_product, product, quantise_all};
use super::{QuantisationError, Tensor};

/// What goes into a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Numbers.
    Float(Tensor),
    /// Indices with their shape.
    Index(Vec<usize>, Vec<i32>),
}

/// Sees the products of a run, and may compute them otherwise.
pub trait Observer {
    /// A product of a value and a constant kernel, both in floats: `Some` takes the place of its result.
    fn product(&mut self, node: &Node, input: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError>;

    /// A value that was computed.
    fn value(&mut self, _node: &Node, _value: &Tensor) {}
}

/// Sees nothing.
pub struct Blind;

impl Observer for Blind {
    fn product(&mut self, _: &Node, _: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError> {
        Ok(None)
    }
}

/// A value during a run.
enum Value<'a> {
    Float(Cow<'a, Tensor>),
    Index(Vec<usize>, Cow<'a, [i32]>),
    /// 8-bit values, and their scale once a `DequantizeLinear` named it: what they stand for is only
    /// computed where it is needed.
    Byte {
        shape: Vec<usize>,
        values: Cow<'a, [i8]>,
        scale: Option<&'a [f32]>,
    },
}

/// Runs a graph on inputs in its order; gives its outputs in its order.
///
/// # Errors
/// [`QuantisationError`] naming the node whose operator is unknown or whose input does not fit.
pub fn run(
    graph: &Graph,
    inputs: &[Input],
    arithmetic: Arithmetic,
    observer: &mut dyn Observer,
) -> Result<Vec<Tensor>, QuantisationError> {
    let mut values: BTreeMap<&str, Value<'_>> = BTreeMap::new();
    for (name, input) in graph.inputs().zip(inputs) {
        let value = match input {
            Input::Float(tensor) => Value::Float(Cow::Borrowed(tensor)),
            Input::Index(shape, indices) => Value::Index(shape.clone(), Cow::Borrowed(indices)),
        };
        values.insert(name, value);
    }
    let outputs: Vec<&str> = graph.outputs().collect();
    // Values are dropped after whoever reads them last: a block's intermediate values are hundreds of MB.
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        last.extend(node.inputs.iter().map(|input| (input.as_str(), index)));
    }
    last.extend(outputs.iter().map(|&output| (output, usize::MAX)));
    for (index, node) in graph.nodes.iter().enumerate() {
        let step = Step { graph, node, values: &values, arithmetic };
        let value = step.compute(observer)?;
        if let Value::Float(tensor) = &value {
            observer.value(node, tensor);
        }
        for input in &node.inputs {
            if last.get(input.as_str()) == Some(&index) {
                values.remove(input.as_str());
            }
        }
        values.insert(&node.output, value);
    }
    let take = |name: &str| match values.remove(name) {
        Some(Value::Float(tensor)) => Ok(tensor.into_owned()),
        _ => Err(missing("the part", name, "a floating-point output", "nothing that computes it")),
    };
    outputs.into_iter().map(take).collect()
}

fn missing(node: &str, value: &str, expected: &str, actual: impl Into<String>) -> QuantisationError {
    let (node, value, expected) = (node.to_owned(), value.to_owned(), expected.to_owned());
    QuantisationError::Value { node, value, expected, actual: actual.into() }
}

/// What a node makes of constants alone: `None` where it reads anything else, or is none that computes floats.
pub(super) fn constant(graph: &Graph, node: &Node) -> Option<Tensor> {
    let step = Step { graph, node, values: &BTreeMap::new(), arithmetic: Arithmetic::Plain };
    let reads_constants = node.inputs.iter().all(|input| graph.constants.contains_key(input));
    let floats = node.inputs.first().is_some_and(|input| graph.float(input).is_some());
    match (reads_constants && floats).then(|| step.compute(&mut super::Blind))?.ok()? {
        Value::Float(tensor) => Some(tensor.into_owned()),
        _ => None,
    }
}

struct Step<'r, 'a> {
    graph: &'a Graph,
    node: &'a Node,
    values: &'r BTreeMap<&'a str, Value<'a>>,
    arithmetic: Arithmetic,
}

impl<'a> Step<'_, 'a> {
    fn compute(&self, observer: &mut dyn Observer) -> Result<Value<'a>, QuantisationError> {
        let tensor = match self.node.operator.as_str() {
            "MatMul" => self.multiply(observer)?,
            "Add" => self.binary(Binary::Add)?,
            "Sub" => self.binary(Binary::Subtract)?,
            "Mul" => self.binary(Binary::Multiply)?,
            "Div" => self.binary(Binary::Divide)?,
            "Max" => self.binary(Binary::Maximum)?,
            "Relu" => self.each(|value| value.max(0.0))?,
            "Sigmoid" => self.each(|value| 1.0 / (1.0 + (-value).exp()))?,
            "Gather" => self.gather()?,
            "Slice" => return self.slice(),
            "Reshape" => return self.reshape(),
            "Concat" => self.concatenate()?,
            "Transpose" => return self.transpose(),
            "Identity" => self.float(0)?.into_owned(),
            "ReduceMax" => self.reduce(maximum_of)?,
            "ReduceMean" => self.reduce(mean_of)?,
            "ReduceSum" => self.reduce(sum_of)?,
            "QuantizeLinear" => return self.quantise(),
            "DequantizeLinear" => return self.dequantise(),
            operator => {
                let (node, operator) = (self.node.output.clone(), operator.to_owned());
                return Err(QuantisationError::Operator { node, operator });
            }
        };
        Ok(Value::Float(Cow::Owned(tensor)))
    }

    fn name(&self, input: usize) -> Result<&'a str, QuantisationError> {
        let absent = || missing(&self.node.output, &format!("input {input}"), "a value", "nothing");
        self.node.inputs.get(input).map(String::as_str).ok_or_else(absent)
    }

    fn misfit(&self, input: usize, expected: &str) -> QuantisationError {
        let name = self.node.inputs.get(input).map_or("", String::as_str);
        missing(&self.node.output, name, expected, "something else")
    }

    /// An input as floats; dequantised where it is 8-bit.
    fn float(&self, input: usize) -> Result<Cow<'_, Tensor>, QuantisationError> {
        let name = self.name(input)?;
        match self.values.get(name) {
            Some(Value::Float(tensor)) => Ok(Cow::Borrowed(tensor)),
            Some(Value::Byte { shape, values, scale: Some(scale), .. }) => {
                let row = if scale.len() == 1 { values.len() } else { scale.len() };
                let scaled = values.chunks(row.max(1)).flat_map(|row| {
                    row.iter().zip(scale.iter().cycle()).map(|(&value, scale)| f32::from(value) * scale)
                });
                Ok(Cow::Owned(Tensor { shape: shape.clone(), values: scaled.collect() }))
            }
            Some(_) => Err(self.misfit(input, "floating-point values")),
            None => match self.graph.float(name) {
                Some(tensor) => Ok(Cow::Borrowed(tensor)),
                None => Err(missing(&self.node.output, name, "floating-point values", "nothing of that name")),
            },
        }
    }

    fn integers(&self, input: usize) -> Result<&'a [i64], QuantisationError> {
        let name = self.name(input)?;
        self.graph.integers(name).ok_or_else(|| self.misfit(input, "constant integers"))
    }

    fn multiply(&self, observer: &mut dyn Observer) -> Result<Tensor, QuantisationError> {
        if let (Some(Value::Byte { values, shape, scale: Some(scale) }), Some(kernel)) =
            (self.values.get(self.name(0)?), self.kernel(1)?)
            && scale.len() == 1
            && shape.last() == Some(&kernel.inputs)
        {
            let mut shape = shape.clone();
            shape.pop();
            shape.push(kernel.outputs);
            let values = integer_product(values, scale[0], &kernel, self.arithmetic);
            return Ok(Tensor { shape, values });
        }
        let (x, weight) = (self.float(0)?, self.float(1)?);
        let constant = self.graph.float(self.name(1)?).is_some();
        if let [inputs, outputs] = weight.shape[..]
            && x.channels() == inputs
        {
            let mut shape = x.shape.clone();
            shape.pop();
            shape.push(outputs);
            let other = if constant { observer.product(self.node, &x)? } else { None };
            let values = other.unwrap_or_else(|| product(&x.values, &weight.values, inputs, outputs));
            return Ok(Tensor { shape, values });
        }
        // One small product per point, as PointConv has them: [.., m, k] · [.., k, n].
        let (one, two) = (&x.shape, &weight.shape);
        let rank = one.len();
        if rank < 3 || two.len() != rank || one[..rank - 2] != two[..rank - 2] || one[rank - 1] != two[rank - 2] {
            return Err(self.misfit(1, &format!("a kernel for an input of shape {one:?}")));
        }
        let (m, k, n) = (one[rank - 2], one[rank - 1], two[rank - 1]);
        let pairs = x.values.chunks_exact((m * k).max(1)).zip(weight.values.chunks_exact((k * n).max(1)));
        let values = pairs.flat_map(|(x, weight)| product(x, weight, k, n)).collect();
        let mut shape = one.clone();
        shape[rank - 1] = n;
        Ok(Tensor { shape, values })
    }

    /// A dequantised constant kernel.
    fn kernel(&self, input: usize) -> Result<Option<QuantisedKernel>, QuantisationError> {
        let Some(Value::Byte { shape, values, scale: Some(scale) }) = self.values.get(self.name(input)?) else {
            return Ok(None);
        };
        let &[inputs, outputs] = shape.as_slice() else { return Ok(None) };
        let scale = if scale.len() == 1 { vec![scale[0]; outputs] } else { scale.to_vec() };
        Ok(Some(QuantisedKernel { inputs, outputs, values: values.to_vec(), scale }))
    }

    fn binary(&self, operation: Binary) -> Result<Tensor, QuantisationError> {
        let (one, other) = (self.float(0)?, self.float(1)?);
        let expected = || self.misfit(1, &format!("a shape that broadcasts with {:?}", one.shape));
        binary(operation, &one, &other).ok_or_else(expected)
    }

    fn each(&self, function: impl Fn(f32) -> f32) -> Result<Tensor, QuantisationError> {
        let input = self.float(0)?;
        let values = input.values.iter().map(|&value| function(value)).collect();
        Ok(Tensor { shape: input.shape.clone(), values })
    }

    fn gather(&self) -> Result<Tensor, QuantisationError> {
        let source = self.float(0)?;
        let Some(Value::Index(shape, indices)) = self.values.get(self.name(1)?) else {
            return Err(self.misfit(1, "indices"));
        };
        self.gather_from(&source, shape, indices)
    }

    fn gather_from(&self, source: &Tensor, shape: &[usize], indices: &[i32]) -> Result<Tensor, QuantisationError> {
        if self.node.attribute("axis").unwrap_or(0) != 0 {
            return Err(self.misfit(1, "axis 0"));
        }
        gather(source, shape, indices).ok_or_else(|| self.misfit(1, "indices inside the gathered value"))
    }

    fn slice(&self) -> Result<Value<'a>, QuantisationError> {
        let bounds = |input| {
            self.integers(input)
                .and_then(|values| values.first().copied().ok_or_else(|| self.misfit(input, "one bound")))
        };
        let (start, end, axis) = (bounds(1)?, bounds(2)?, bounds(3)?);
        if self.integers(1)?.len() != 1 || self.node.inputs.len() > 4 {
            return Err(self.misfit(1, "one axis, step 1"));
        }
        let misfit = || self.misfit(0, "bounds inside its shape");
        if let Some(Value::Index(shape, indices)) = self.values.get(self.name(0)?) {
            let (shape, indices) = slice_of(shape, indices, axis, start, end).ok_or_else(misfit)?;
            return Ok(Value::Index(shape, Cow::Owned(indices)));
        }
        let source = self.float(0)?;
        let sliced = slice(&source, axis, start, end).ok_or_else(misfit)?;
        Ok(Value::Float(Cow::Owned(sliced)))
    }

    fn reshape(&self) -> Result<Value<'a>, QuantisationError> {
        let wanted = self.integers(1)?;
        let misfit = || self.misfit(1, "a shape of as many values");
        if let Some(Value::Index(shape, indices)) = self.values.get(self.name(0)?) {
            let shape = reshaped(shape, wanted).ok_or_else(misfit)?;
            return Ok(Value::Index(shape, indices.clone()));
        }
        let source = self.float(0)?;
        let reshaped = reshape(&source, wanted).ok_or_else(misfit)?;
        Ok(Value::Float(Cow::Owned(reshaped)))
    }

    fn transpose(&self) -> Result<Value<'a>, QuantisationError> {
        let order = self.node.attributes.get("perm").map_or(&[][..], Vec::as_slice);
        let misfit = || self.misfit(0, "a permutation of its axes");
        if let Some(Value::Index(shape, indices)) = self.values.get(self.name(0)?) {
            let (shape, indices) = transpose_of(shape, indices, order).ok_or_else(misfit)?;
            return Ok(Value::Index(shape, Cow::Owned(indices)));
        }
        let transposed = transpose(&*self.float(0)?, order).ok_or_else(misfit)?;
        Ok(Value::Float(Cow::Owned(transposed)))
    }

    fn concatenate(&self) -> Result<Tensor, QuantisationError> {
        let parts: Vec<_> = (0..self.node.inputs.len()).map(|input| self.float(input)).collect::<Result<_, _>>()?;
        let parts: Vec<&Tensor> = parts.iter().map(|part| &**part).collect();
        concatenate(&parts, self.node.attribute("axis").unwrap_or(0)).ok_or_else(|| self.misfit(0, "shapes that join"))
    }

    fn reduce(&self, reduction: impl Fn(&Tensor, usize, bool) -> Tensor) -> Result<Tensor, QuantisationError> {
        let input = self.float(0)?;
        let axes = match self.node.attributes.get("axes") {
            Some(axes) => axes.as_slice(),
            None => self.integers(1)?,
        };
        let keep = self.node.attribute("keepdims").unwrap_or(1) != 0;
        match axes {
            &[axis] => {
                let axis = if axis < 0 { axis + input.shape.len() as i64 } else { axis };
                let axis = usize::try_from(axis).ok().filter(|&axis| axis < input.shape.len());
                Ok(reduction(&input, axis.ok_or_else(|| self.misfit(0, "an axis of its own"))?, keep))
            }
            _ => Err(self.misfit(0, "one axis to reduce")),
        }
    }

    fn scale(&self) -> Result<&'a [f32], QuantisationError> {
        let name = self.name(1)?;
        let tensor = self.graph.float(name).ok_or_else(|| self.misfit(1, "a constant scale"))?;
        check_scale(name, &tensor.values)?;
        if let Ok(name) = self.name(2) {
            match self.graph.constants.get(name) {
                Some(Constant::Byte(_, points)) => check_zero_point(name, points)?,
                _ => return Err(self.misfit(2, "a constant zero point in 8 bits")),
            }
        }
        Ok(&tensor.values)
    }

    fn quantise(&self) -> Result<Value<'a>, QuantisationError> {
        let (tensor, scale) = (self.float(0)?.into_owned(), self.scale()?);
        let &[step] = scale else { return Err(self.misfit(1, "one scale for the whole value")) };
        if self.node.inputs.len() != 3 {
            // Without a zero point to say so, the operator's result is unsigned.
            return Err(missing(&self.node.output, "zero point", "a zero point in 8 bits, signed", "none"));
        }
        let values = quantise_all(&tensor.values, step);
        Ok(Value::Byte { shape: tensor.shape.clone(), values: Cow::Owned(values), scale: None })
    }

    fn dequantise(&self) -> Result<Value<'a>, QuantisationError> {
        let (name, scale) = (self.name(0)?, Some(self.scale()?));
        match (self.values.get(name), self.graph.constants.get(name)) {
            (Some(Value::Byte { shape, values, .. }), _) => {
                Ok(Value::Byte { shape: shape.clone(), values: Cow::Owned(values.to_vec()), scale })
            }
            (None, Some(Constant::Byte(shape, values))) => {
                Ok(Value::Byte { shape: shape.clone(), values: Cow::Borrowed(values), scale })
            }
            _ => Err(self.misfit(0, "8-bit values")),
        }
    }
}

/// Refuses scales that cannot be divided by.
pub(super) fn check_scale(name: &str, scale: &[f32]) -> Result<(), QuantisationError> {
    match scale.iter().position(|value| !(value.is_finite() && *value > 0.0)) {
        Some(index) => Err(QuantisationError::Scale { name: name.to_owned(), index, value: scale[index] }),
        None => Ok(()),
    }
}

fn check_zero_point(name: &str, points: &[i8]) -> Result<(), QuantisationError> {
    match points.iter().position(|&point| point != 0) {
        Some(index) => Err(QuantisationError::ZeroPoint { name: name.to_owned(), index, value: points[index] }),
        None => Ok(()),
    }
}
