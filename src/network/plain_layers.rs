//! The layers of the plain forward pass, each as its paper writes it.

use super::plain::Matrix;
use super::weights::FoldedConvolution;
use crate::geometry::{Interpolation, Level};

pub(super) type Perceptron<'a> = [(&'a FoldedConvolution, bool)];

/// Applies convolutions to every row; `true` beside a convolution means that ReLU follows.
pub(super) fn apply(perceptron: &Perceptron<'_>, input: &Matrix) -> Matrix {
    let mut current = Matrix { rows: input.rows, columns: input.columns, values: input.values.clone() };
    for (convolution, relu) in perceptron {
        let mut values = Vec::with_capacity(current.rows * convolution.outputs);
        for row in 0..current.rows {
            let start = values.len();
            values.extend_from_slice(&convolution.bias);
            let output = &mut values[start..];
            for (&x, weights) in current.row(row).iter().zip(convolution.weight.chunks_exact(convolution.outputs)) {
                for (sum, weight) in output.iter_mut().zip(weights) {
                    *sum += x * weight;
                }
            }
            if *relu {
                output.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        current = Matrix { rows: current.rows, columns: convolution.outputs, values };
    }
    current
}

pub(super) fn set_abstraction(
    source: &Matrix,
    level: &Level,
    finer: &[[f32; 3]],
    perceptron: &Perceptron<'_>,
) -> Matrix {
    let slots = level.neighbours.slots;
    let columns = perceptron.last().map_or(source.columns + 3, |(last, _)| last.outputs);
    let mut values = Vec::with_capacity(level.position.len() * columns);
    for (&centre, group) in level.position.iter().zip(level.neighbours.index.chunks_exact(slots)) {
        let result = apply(perceptron, &grouped(source, finer, centre, group));
        values
            .extend((0..columns).map(|c| (0..slots).map(|slot| result.row(slot)[c]).fold(f32::NEG_INFINITY, f32::max)));
    }
    Matrix { rows: level.position.len(), columns, values }
}

/// Relative position and features of each neighbour of a centre.
fn grouped(source: &Matrix, position: &[[f32; 3]], centre: [f32; 3], group: &[u32]) -> Matrix {
    let mut grouped = Matrix { rows: group.len(), columns: 3 + source.columns, values: Vec::new() };
    for &neighbour in group {
        let neighbour = neighbour as usize;
        grouped.values.extend([0, 1, 2].map(|axis| position[neighbour][axis] - centre[axis]));
        grouped.values.extend_from_slice(source.row(neighbour));
    }
    grouped
}

/// The first three columns.
fn relative_position(grouped: &Matrix) -> Matrix {
    let values = (0..grouped.rows).flat_map(|row| grouped.row(row)[..3].iter().copied()).collect();
    Matrix { rows: grouped.rows, columns: 3, values }
}

/// PointConv's encoder (`design/networks.md` §2): perceptron, weight network, two density layers, and
/// the convolution after the sum, in this order in `convolutions`.
pub(super) fn point_convolution(
    source: &Matrix,
    level: &Level,
    finer: &[[f32; 3]],
    convolutions: &Perceptron<'_>,
) -> Matrix {
    let (perceptron, last) = convolutions.split_at(convolutions.len() - 4);
    let (weight_net, density_net, after) = (&last[..1], &last[1..3], &last[3..]);
    let slots = level.neighbours.slots;
    let rows = level.position.len();
    let mut sums = Matrix { rows, columns: after[0].0.inputs, values: Vec::new() };
    let groups = level.neighbours.index.chunks_exact(slots).zip(level.density_scale.chunks_exact(slots));
    for (&centre, (group, scale)) in level.position.iter().zip(groups) {
        let grouped = grouped(source, finer, centre, group);
        let weight = apply(weight_net, &relative_position(&grouped));
        let factor = apply(density_net, &Matrix { rows: slots, columns: 1, values: scale.to_vec() });
        let features = apply(perceptron, &grouped);
        for channel in 0..features.columns {
            for middle in 0..weight.columns {
                let of_slot =
                    |slot: usize| features.row(slot)[channel] * sigmoid(factor.values[slot]) * weight.row(slot)[middle];
                sums.values.push((0..slots).map(of_slot).sum());
            }
        }
    }
    apply(after, &sums)
}

/// PointConv's decoder (`design/networks.md` §2): two layers of the weight network, the normalisation of
/// the sum, and the perceptron, in this order in `convolutions`.
pub(super) fn depthwise_point_convolution(
    interpolated: &Matrix,
    skip: &Matrix,
    level: &Level,
    convolutions: &Perceptron<'_>,
) -> Matrix {
    let (weight_net, rest) = convolutions.split_at(2);
    let (normalisation, perceptron) = (rest[0].0, &rest[1..]);
    let columns = 3 + interpolated.columns;
    let mut sums = Matrix { rows: interpolated.rows, columns, values: Vec::new() };
    let groups = level.self_neighbours.index.chunks_exact(level.self_neighbours.slots);
    for (&centre, group) in level.position.iter().zip(groups) {
        let grouped = grouped(interpolated, &level.position, centre, group);
        let weight = apply(weight_net, &relative_position(&grouped));
        sums.values.extend((0..columns).map(|channel| {
            let sum: f32 = (0..group.len()).map(|slot| weight.row(slot)[channel] * grouped.row(slot)[channel]).sum();
            (sum * normalisation.weight[channel] + normalisation.bias[channel]).max(0.0)
        }));
    }
    apply(perceptron, &beside(&[&sums, skip], skip.rows))
}

pub(super) fn interpolate(coarse: &Matrix, interpolation: &Interpolation) -> Matrix {
    let mut fine = Matrix { rows: interpolation.index.len(), columns: coarse.columns, values: Vec::new() };
    for (index, weight) in interpolation.index.iter().zip(&interpolation.weight) {
        let near = index.map(|point| coarse.row(point as usize));
        fine.values.extend(
            (0..coarse.columns).map(|c| near[0][c] * weight[0] + near[1][c] * weight[1] + near[2][c] * weight[2]),
        );
    }
    fine
}

/// Rows side by side; a matrix of one row is repeated.
pub(super) fn beside(inputs: &[&Matrix], rows: usize) -> Matrix {
    let columns = inputs.iter().map(|input| input.columns).sum();
    let values = (0..rows)
        .flat_map(|row| inputs.iter().flat_map(move |input| input.row(if input.rows == 1 { 0 } else { row })))
        .copied()
        .collect();
    Matrix { rows, columns, values }
}

/// A matrix of one row is added to every row of the other.
pub(super) fn sum(one: &Matrix, other: &Matrix) -> Matrix {
    let rows = one.rows.max(other.rows);
    let row = |matrix: &Matrix, row: usize| if matrix.rows == 1 { 0 } else { row };
    let values = (0..rows)
        .flat_map(|at| one.row(row(one, at)).iter().zip(other.row(row(other, at))).map(|(one, other)| one + other))
        .collect();
    Matrix { rows, columns: one.columns, values }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

pub(super) fn gate(input: &Matrix) -> Matrix {
    let gated = |row: usize| {
        let mean = input.row(row).iter().map(|&value| f64::from(value)).sum::<f64>() / input.columns as f64;
        let factor = sigmoid(mean as f32);
        input.row(row).iter().map(move |value| value * factor)
    };
    Matrix { values: (0..input.rows).flat_map(gated).collect(), ..*input }
}

pub(super) fn global_maximum(input: &Matrix) -> Matrix {
    let column = |column: usize| (0..input.rows).map(move |row| input.row(row)[column]);
    let values = (0..input.columns).map(|c| column(c).fold(f32::NEG_INFINITY, f32::max)).collect();
    Matrix { rows: 1, columns: input.columns, values }
}

pub(super) fn global_mean(input: &Matrix) -> Matrix {
    let column = |column: usize| (0..input.rows).map(move |row| f64::from(input.row(row)[column]));
    let values = (0..input.columns).map(|c| (column(c).sum::<f64>() / input.rows as f64) as f32).collect();
    Matrix { rows: 1, columns: input.columns, values }
}

/// The maximum over the `neighbours` nearest points within L1 `radius`, the point itself included.
/// Of equally near points the lower index wins, as in the reference's `top_k`.
pub(super) fn fuse(features: &Matrix, embeddings: &Matrix, neighbours: usize, radius: f32) -> Matrix {
    let mut values = Vec::with_capacity(features.values.len());
    let mut near: Vec<(f32, usize)> = Vec::new();
    for point in 0..features.rows {
        let own = embeddings.row(point);
        near.clear();
        near.extend((0..features.rows).filter_map(|other| {
            let distance: f32 = own.iter().zip(embeddings.row(other)).map(|(a, b)| (a - b).abs()).sum();
            (distance <= radius).then_some((distance, other))
        }));
        near.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let start = values.len();
        values.extend_from_slice(features.row(point));
        for &(_, other) in near.iter().take(neighbours) {
            for (maximum, &value) in values[start..].iter_mut().zip(features.row(other)) {
                *maximum = maximum.max(value);
            }
        }
    }
    Matrix { rows: features.rows, columns: features.columns, values }
}
