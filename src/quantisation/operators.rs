//! What the remaining operators do to arrays. `None` where shapes do not fit.

use super::Tensor;

/// An element-wise operation of two values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
}

impl Binary {
    fn apply(self, one: f32, other: f32) -> f32 {
        match self {
            Self::Add => one + other,
            Self::Subtract => one - other,
            Self::Multiply => one * other,
            Self::Divide => one / other,
            Self::Maximum => one.max(other),
        }
    }
}

/// Applies an operation with ONNX' (NumPy's) broadcasting.
pub(super) fn binary(operation: Binary, one: &Tensor, other: &Tensor) -> Option<Tensor> {
    if one.shape == other.shape {
        let values = one.values.iter().zip(&other.values).map(|(&one, &other)| operation.apply(one, other)).collect();
        return Some(Tensor { shape: one.shape.clone(), values });
    }
    let rank = one.shape.len().max(other.shape.len());
    let padded = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
    let (left, right) = (padded(&one.shape), padded(&other.shape));
    let mut shape = Vec::with_capacity(rank);
    for (&left, &right) in left.iter().zip(&right) {
        shape.push(match (left, right) {
            (left, right) if left == right => left,
            (1, size) | (size, 1) => size,
            _ => return None,
        });
    }
    // Steps of each axis in the operand, 0 where it repeats.
    let strides = |own: &[usize]| {
        let mut strides = vec![0; rank];
        let mut stride = 1;
        for axis in (0..rank).rev() {
            strides[axis] = if own[axis] == 1 { 0 } else { stride };
            stride *= own[axis];
        }
        strides
    };
    let (left, right) = (strides(&left), strides(&right));
    let count = shape.iter().product();
    let columns = shape.last().copied().unwrap_or(1);
    let (step_one, step_other) = (left.last().copied().unwrap_or(0), right.last().copied().unwrap_or(0));
    let mut values = Vec::with_capacity(count);
    let mut place = vec![0; rank];
    while values.len() < count {
        let start =
            |strides: &[usize]| -> usize { place.iter().zip(strides).map(|(place, stride)| place * stride).sum() };
        let (start_one, start_other) = (start(&left), start(&right));
        let pair =
            |column| (one.values[start_one + column * step_one], other.values[start_other + column * step_other]);
        values.extend((0..columns).map(pair).map(|(one, other)| operation.apply(one, other)));
        // The next row, like the digits of a counter.
        for axis in (0..rank.saturating_sub(1)).rev() {
            place[axis] += 1;
            if place[axis] < shape[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
    Some(Tensor { shape, values })
}

/// Rows of `source` by index.
pub(super) fn gather(source: &Tensor, shape: &[usize], indices: &[i32]) -> Option<Tensor> {
    let (&rows, rest) = source.shape.split_first()?;
    let width: usize = rest.iter().product();
    let mut values = Vec::with_capacity(indices.len() * width);
    for &index in indices {
        let index = usize::try_from(index).ok().filter(|&index| index < rows)?;
        values.extend_from_slice(&source.values[index * width..][..width]);
    }
    Some(Tensor { shape: [shape, rest].concat(), values })
}

/// `start..end` along an axis; negative numbers count from its end, numbers beyond it are its end.
pub(super) fn slice(source: &Tensor, axis: i64, start: i64, end: i64) -> Option<Tensor> {
    let (shape, values) = slice_of(&source.shape, &source.values, axis, start, end)?;
    Some(Tensor { shape, values })
}

/// As [`slice`], of values of any kind.
pub(super) fn slice_of<T: Copy>(
    shape: &[usize],
    values: &[T],
    axis: i64,
    start: i64,
    end: i64,
) -> Option<(Vec<usize>, Vec<T>)> {
    let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis }).ok()?;
    let size = *shape.get(axis)?;
    let bound = |bound: i64| (if bound < 0 { bound + size as i64 } else { bound }).clamp(0, size as i64) as usize;
    let (start, end) = (bound(start), bound(end));
    let width: usize = shape[axis + 1..].iter().product();
    let outer = values.chunks_exact((size * width).max(1));
    let values = outer.flat_map(|block| &block[start * width..end.max(start) * width]).copied().collect();
    let mut shape = shape.to_vec();
    shape[axis] = end.max(start) - start;
    Some((shape, values))
}

/// The same values in another shape; one size may be −1, and 0 keeps the old one.
pub(super) fn reshape(source: &Tensor, wanted: &[i64]) -> Option<Tensor> {
    Some(Tensor { shape: reshaped(&source.shape, wanted)?, values: source.values.clone() })
}

/// The shape that [`reshape`] gives.
pub(super) fn reshaped(old: &[usize], wanted: &[i64]) -> Option<Vec<usize>> {
    let count: usize = old.iter().product();
    let mut shape = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            -1 => 1,
            0 => *old.get(axis)?,
            size => usize::try_from(size).ok()?,
        });
    }
    if let Some(free) = wanted.iter().position(|&size| size == -1) {
        shape[free] = count / shape.iter().product::<usize>().max(1);
    }
    (shape.iter().product::<usize>() == count).then_some(shape)
}

/// Arrays one after another along an axis.
pub(super) fn concatenate(parts: &[&Tensor], axis: i64) -> Option<Tensor> {
    let first = parts.first()?;
    let axis = usize::try_from(if axis < 0 { axis + first.shape.len() as i64 } else { axis }).ok()?;
    let mut shape = first.shape.clone();
    if axis >= shape.len() {
        return None;
    }
    let outer: usize = first.shape[..axis].iter().product();
    let others = |shape: &[usize]| [&shape[..axis], &shape[axis + 1..]].concat();
    let mut total = 0;
    for part in parts {
        if part.shape.len() != shape.len() || others(&part.shape) != others(&first.shape) {
            return None;
        }
        total += part.shape[axis];
    }
    shape[axis] = total;
    let mut values = Vec::with_capacity(shape.iter().product());
    for block in 0..outer {
        for part in parts {
            let width = part.values.len() / outer.max(1);
            values.extend_from_slice(&part.values[block * width..][..width]);
        }
    }
    Some(Tensor { shape, values })
}

/// Axes in another order; without an order, reversed.
pub(super) fn transpose(source: &Tensor, order: &[i64]) -> Option<Tensor> {
    let (shape, values) = transpose_of(&source.shape, &source.values, order)?;
    Some(Tensor { shape, values })
}

/// As [`transpose`], of values of any kind.
pub(super) fn transpose_of<T: Copy>(old: &[usize], values: &[T], order: &[i64]) -> Option<(Vec<usize>, Vec<T>)> {
    let rank = old.len();
    let order: Vec<usize> = match order {
        [] => (0..rank).rev().collect(),
        order => order.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<_>>()?,
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return None;
    }
    let shape: Vec<usize> = order.iter().map(|&axis| old[axis]).collect();
    let strides: Vec<usize> = order.iter().map(|&axis| old[axis + 1..].iter().product()).collect();
    let from = |mut position: usize| {
        let mut offset = 0;
        for axis in (0..rank).rev() {
            offset += position % shape[axis] * strides[axis];
            position /= shape[axis];
        }
        values[offset]
    };
    let values = (0..values.len()).map(from).collect();
    Some((shape, values))
}

/// Largest value along an axis.
pub(super) fn maximum_of(source: &Tensor, axis: usize, keep: bool) -> Tensor {
    reduce(source, axis, keep, |values| values.fold(f32::NEG_INFINITY, f32::max))
}

/// Sum along an axis, front to back.
pub(super) fn sum_of(source: &Tensor, axis: usize, keep: bool) -> Tensor {
    reduce(source, axis, keep, |values| values.sum())
}

/// Mean along an axis.
pub(super) fn mean_of(source: &Tensor, axis: usize, keep: bool) -> Tensor {
    let count = source.shape[axis] as f32;
    reduce(source, axis, keep, |values| values.sum::<f32>() / count)
}

fn reduce(source: &Tensor, axis: usize, keep: bool, fold: impl Fn(&mut dyn Iterator<Item = f32>) -> f32) -> Tensor {
    let (size, inner) = (source.shape[axis], source.shape[axis + 1..].iter().product::<usize>());
    let blocks = source.values.chunks_exact((size * inner).max(1));
    let column = |block: &[f32], column: usize| fold(&mut (0..size).map(|step| block[step * inner + column]));
    let values = blocks.flat_map(|block| (0..inner).map(|place| column(block, place)).collect::<Vec<_>>()).collect();
    let mut shape = source.shape.clone();
    if keep {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    Tensor { shape, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Tensor {
        let values = (0..shape.iter().product::<usize>()).map(|value| value as f32).collect();
        Tensor { shape: shape.to_vec(), values }
    }

    #[test]
    fn broadcasting_is_that_of_onnx() {
        let matrix = counted(&[2, 3]);
        let row = Tensor { shape: vec![3], values: vec![10.0, 20.0, 30.0] };
        let column = Tensor { shape: vec![2, 1], values: vec![1.0, 2.0] };
        assert_eq!(binary(Binary::Add, &matrix, &row).unwrap().values, [10.0, 21.0, 32.0, 13.0, 24.0, 35.0]);
        assert_eq!(binary(Binary::Multiply, &matrix, &column).unwrap().values, [0.0, 1.0, 2.0, 6.0, 8.0, 10.0]);
        // [2, 2, 3] and [2, 3]: the second operand repeats along the first axis.
        let stack = counted(&[2, 2, 3]);
        let difference = binary(Binary::Subtract, &stack, &matrix).unwrap();
        assert_eq!((&difference.shape[..], &difference.values[6..]), (&[2, 2, 3][..], &[6.0; 6][..]));
        assert_eq!(binary(Binary::Maximum, &row, &column).unwrap().shape, [2, 3]);
        assert!(binary(Binary::Add, &matrix, &counted(&[2])).is_none());
    }

    #[test]
    fn slices_joins_and_reductions() {
        let cube = counted(&[2, 3, 2]);
        let middle = slice(&cube, 1, 1, 3).unwrap();
        assert_eq!((&middle.shape[..], &middle.values[..4]), (&[2, 2, 2][..], &[2.0, 3.0, 4.0, 5.0][..]));
        assert_eq!(slice(&cube, -1, -1, 9).unwrap().values, [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
        let front = slice(&cube, 1, 0, 1).unwrap();
        assert_eq!(concatenate(&[&front, &middle], 1).unwrap(), cube);
        assert!(concatenate(&[&front, &middle], 0).is_none());
        assert_eq!(maximum_of(&cube, 1, false).values, [4.0, 5.0, 10.0, 11.0]);
        assert_eq!(mean_of(&cube, 0, true).values, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(sum_of(&cube, 2, false).values, [1.0, 5.0, 9.0, 13.0, 17.0, 21.0]);
        assert_eq!(reshape(&cube, &[0, -1]).unwrap().shape, [2, 6]);
        assert!(reshape(&cube, &[5, 2]).is_none());
    }

    #[test]
    fn transposing_and_gathering() {
        let matrix = counted(&[2, 3]);
        assert_eq!(transpose(&matrix, &[]).unwrap().values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transpose(&counted(&[2, 1, 3]), &[2, 0, 1]).unwrap().shape, [3, 2, 1]);
        assert!(transpose(&matrix, &[0, 0]).is_none());
        let gathered = gather(&matrix, &[1, 2], &[1, 0]).unwrap();
        assert_eq!((&gathered.shape[..], &gathered.values[..3]), (&[1, 2, 3][..], &[3.0, 4.0, 5.0][..]));
        assert!(gather(&matrix, &[1], &[2]).is_none());
        assert!(gather(&matrix, &[1], &[-1]).is_none());
    }
}
