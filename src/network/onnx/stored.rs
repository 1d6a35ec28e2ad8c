//! How a part holds the parameters of a convolution: whole or in pieces, in floats or in 8 bits (the forms are listed
//! in the docs of the folder).

use std::collections::{BTreeMap, BTreeSet};

use super::super::convolution::{Convolution, Kernel};
use super::super::weights::{FoldedConvolution, WeightsError};
use super::messages::{GraphProto, TensorProto, tensor_proto::DataType};
use super::{BY_FUNCTION, INPUT_FACTOR};

/// A convolution's kernel and bias, in whatever form the part has them.
///
/// # Errors
/// [`WeightsError`] naming what is missing, misshapen or not finite.
pub(super) fn folded(graph: &GraphProto, convolution: &Convolution) -> Result<FoldedConvolution, WeightsError> {
    let &Convolution { inputs, outputs, .. } = convolution;
    let name = convolution.weights();
    let by_function = format!("{name}/{BY_FUNCTION}");
    let is_there = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let weight = match convolution.kernel {
        // Its factor is inside of the kernel before it; folders of older versions still have it apart.
        Kernel::Scale if !is_there(&name) => vec![1.0; outputs],
        Kernel::Aggregation { middle } if is_there(&by_function) => {
            let rows = rows(graph, by_function, inputs, outputs)?;
            let channels = inputs / middle.max(1);
            // From [function, channel] to [channel, function].
            let row = |input: usize| &rows[(input % middle * channels + input / middle) * outputs..][..outputs];
            (0..inputs).flat_map(row).copied().collect()
        }
        _ => kernel(graph, name, inputs, outputs)?,
    };
    Ok(FoldedConvolution { inputs, outputs, weight, bias: biases(graph, convolution.biases(), outputs)? })
}

/// From where to where a piece reaches, of the rest of its name: `from:to]`.
fn bounds(rest: &str) -> Option<(usize, usize)> {
    let (from, to) = rest.strip_suffix(']')?.split_once(':')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// The pieces `<name><open>from:to]` that there are, in order.
fn pieces(graph: &GraphProto, name: &str, open: &str) -> BTreeSet<(usize, usize)> {
    let of = |tensor: &TensorProto| bounds(tensor.name.strip_prefix(name)?.strip_prefix(open)?);
    graph.initializer.iter().filter_map(of).collect()
}

/// Whether pieces follow each other without a gap up to `size`; an error where they overlap or leave one.
fn is_whole(name: &str, open: &str, pieces: &BTreeSet<(usize, usize)>, size: usize) -> Result<bool, WeightsError> {
    let mut next = 0;
    for &(from, to) in pieces {
        if from != next || to <= from || to > size {
            let (expected, actual) = (vec![next, size], vec![from, to]);
            return Err(WeightsError::Shape { name: format!("{name}{open}{from}:{to}]"), expected, actual });
        }
        next = to;
    }
    Ok(next == size && next > 0)
}

/// Rows `from..to` that are there only in a sum with other rows of as many, `<name>[from:to]+[from:to]`.
fn rows_of_sums(
    graph: &GraphProto,
    name: &str,
    outputs: usize,
) -> Result<BTreeMap<(usize, usize), Vec<f32>>, WeightsError> {
    let there = pieces(graph, name, "[");
    let sum = |tensor: &TensorProto| {
        let (one, other) = tensor.name.strip_prefix(name)?.strip_prefix('[')?.split_once("+[")?;
        Some((bounds(one)?, bounds(other)?))
    };
    let mut found = BTreeMap::new();
    for (one, other) in graph.initializer.iter().filter_map(sum) {
        let text = |(from, to): (usize, usize)| format!("[{from}:{to}]");
        let count = one.1.saturating_sub(one.0);
        if there.contains(&one) || !there.contains(&other) {
            continue;
        }
        let sum = rows(graph, format!("{name}{}+{}", text(one), text(other)), count, outputs)?;
        let other = rows(graph, format!("{name}{}", text(other)), count, outputs)?;
        found.insert(one, sum.iter().zip(other).map(|(sum, other)| sum - other).collect());
    }
    Ok(found)
}

/// A kernel, whole or cut by rows or columns, in floats or in 8 bits.
fn kernel(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    if graph.initializer.iter().any(|tensor| tensor.name == name) {
        return rows(graph, name, inputs, outputs);
    }
    let by_columns = pieces(graph, &name, "[:,");
    if by_columns.is_empty() {
        let mut by_rows = rows_of_sums(graph, &name, outputs)?;
        for (from, to) in pieces(graph, &name, "[") {
            let count = to.saturating_sub(from);
            by_rows.insert((from, to), rows(graph, format!("{name}[{from}:{to}]"), count, outputs)?);
        }
        return match is_whole(&name, "[", &by_rows.keys().copied().collect(), inputs)? {
            true => Ok(by_rows.into_values().flatten().collect()),
            false => Err(WeightsError::Missing { name, shape: vec![inputs, outputs] }),
        };
    }
    if !is_whole(&name, "[:,", &by_columns, outputs)? {
        return Err(WeightsError::Missing { name, shape: vec![inputs, outputs] });
    }
    let mut values = vec![0.0; inputs * outputs];
    for (from, to) in by_columns {
        let piece = rows(graph, format!("{name}[:,{from}:{to}]"), inputs, to - from)?;
        for (row, piece) in values.chunks_exact_mut(outputs).zip(piece.chunks_exact(to - from)) {
            row[from..to].copy_from_slice(piece);
        }
    }
    Ok(values)
}

/// Biases, whole or in pieces.
fn biases(graph: &GraphProto, name: String, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let found = pieces(graph, &name, "[");
    if is_whole(&name, "[", &found, outputs)? {
        let piece = |(from, to): (usize, usize)| floats(graph, format!("{name}[{from}:{to}]"), &[to - from]);
        return Ok(found.into_iter().map(piece).collect::<Result<Vec<_>, _>>()?.concat());
    }
    floats(graph, name, &[outputs])
}

/// A kernel or a piece of one, with the factor that its input is multiplied by.
fn rows(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let factor_name = format!("{name}/{INPUT_FACTOR}");
    let mut values = stored_rows(graph, name, inputs, outputs)?;
    if graph.initializer.iter().any(|tensor| tensor.name == factor_name) {
        let factors = floats(graph, factor_name, &[inputs])?;
        for (row, factor) in values.chunks_exact_mut(outputs.max(1)).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }
    Ok(values)
}

fn stored_rows(graph: &GraphProto, name: String, inputs: usize, outputs: usize) -> Result<Vec<f32>, WeightsError> {
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name);
    let Some(tensor) = tensor.filter(|tensor| tensor.data_type == DataType::Int8 as i32) else {
        return floats(graph, name, &[inputs, outputs]);
    };
    let actual: Vec<usize> = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    if actual != [inputs, outputs] || tensor.raw_data.len() != inputs * outputs {
        return Err(WeightsError::Shape { name, expected: vec![inputs, outputs], actual });
    }
    let scale_name = format!("{name}/scale");
    let scale = floats(graph, scale_name.clone(), &[outputs])?;
    if let Some(index) = scale.iter().position(|scale| *scale <= 0.0) {
        return Err(WeightsError::Scale { name: scale_name, index, value: scale[index] });
    }
    let steps = tensor.raw_data.iter().map(|&byte| f32::from(byte as i8));
    Ok(steps.zip(scale.iter().cycle()).map(|(step, scale)| step * scale).collect())
}

fn floats(graph: &GraphProto, name: String, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
    let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name) else {
        return Err(WeightsError::Missing { name, shape: shape.to_vec() });
    };
    let actual: Vec<usize> = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    let is_half = tensor.data_type == DataType::Float16 as i32;
    let bytes = if is_half { 2 } else { 4 } * shape.iter().product::<usize>();
    if actual != shape || tensor.raw_data.len() != bytes {
        return Err(WeightsError::Shape { name, expected: shape.to_vec(), actual });
    }
    if tensor.data_type != DataType::Float as i32 && !is_half {
        return Err(WeightsError::Type { name, actual: type_name(tensor) });
    }
    let values: Vec<f32> = if is_half {
        tensor.raw_data.as_chunks().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect()
    } else {
        tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(WeightsError::NotFinite { name, index, value: values[index] }),
        None => Ok(values),
    }
}

fn type_name(tensor: &TensorProto) -> String {
    DataType::try_from(tensor.data_type).map_or_else(|_| "unknown".to_owned(), DataType::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_that_is_still_apart_is_read() {
        let scale =
            Convolution { scope: "sum".to_owned(), inputs: 1, outputs: 2, kernel: Kernel::Scale, normalised: true };
        let tensor = |name: &str, dims: &[i64], values: [f32; 2]| TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..TensorProto::default()
        };
        let mut graph = GraphProto { initializer: vec![tensor("sum/biases", &[2], [0.5, -0.5])], ..Default::default() };
        let read = folded(&graph, &scale).unwrap();
        assert_eq!((read.weight, read.bias), (vec![1.0; 2], vec![0.5, -0.5]));
        graph.initializer.push(tensor("sum/weights", &[1, 2], [2.0, 3.0]));
        assert_eq!(folded(&graph, &scale).unwrap().weight, [2.0, 3.0]);
    }
}
