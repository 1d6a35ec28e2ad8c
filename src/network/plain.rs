//! The forward pass as the papers write it: simple loops, one fixed order of additions, no rewrite.
//!
//! This is the oracle. The ONNX parts compute the same function in a cheaper order, and the engines in
//! yet another; each is held against this file. Half a second a block is fine here.

use std::collections::BTreeMap;

use super::fit::{Misfit, check_fit};
use super::weights::{FoldedConvolution, Parameters, WeightsError};
use super::{Architecture, Operation, Source};
use crate::geometry::{GeometryPlan, Level};

/// A layer's output: one row per point of its level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of points.
    pub rows: usize,
    /// Values per point.
    pub columns: usize,
    /// `rows × columns`, row-major.
    pub values: Vec<f32>,
}

impl Matrix {
    /// One point's values.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.columns..][..self.columns]
    }
}

/// Why the plain forward pass refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The block does not fit the architecture.
    #[error(transparent)]
    Block(#[from] Misfit),
    /// The parameters are those of another architecture.
    #[error(transparent)]
    Parameters(#[from] WeightsError),
}

/// Runs a block and keeps the output of every layer by scope (each of `points of its level × width`).
/// Logits and embeddings are those under the architecture's names for them.
///
/// # Errors
/// [`ForwardError`] when the block or the parameters do not fit.
pub fn forward(
    architecture: &Architecture,
    parameters: &Parameters,
    features: &[f32],
    plan: &GeometryPlan,
) -> Result<BTreeMap<String, Matrix>, ForwardError> {
    parameters.check(architecture)?;
    check_fit(architecture, features, plan)?;
    let columns = architecture.feature_columns();
    let beyond: Vec<f32> = features.chunks_exact(columns).flat_map(|row| &row[3..]).copied().collect();
    let block = Matrix { rows: architecture.points(), columns: columns - 3, values: beyond };
    let mut done: Vec<Matrix> = Vec::with_capacity(architecture.layers().len());
    for (index, layer) in architecture.layers().iter().enumerate() {
        let convolutions = architecture.convolutions_of(index);
        let folded = |scope: &str| parameters.convolution(scope).expect("the parameters were checked");
        let perceptron: Vec<_> = convolutions.iter().map(|step| (folded(&step.scope), step.normalised)).collect();
        let read = |input: usize| match architecture.sources(index)[input] {
            Source::Features => &block,
            Source::Layer(earlier) => &done[earlier],
        };
        let output = match &layer.operation {
            Operation::SetAbstraction { level, .. } => {
                let (coarse, fine) = (&plan.levels[*level], &plan.levels[level - 1]);
                set_abstraction(read(0), coarse, &fine.position, &perceptron)
            }
            Operation::FeaturePropagation { level, .. } => {
                feature_propagation(read(0), read(1), &plan.levels[*level], &perceptron)
            }
            Operation::Dense { .. } | Operation::Linear { .. } => apply(&perceptron, read(0)),
            Operation::Sum => {
                let values = read(0).values.iter().zip(&read(1).values).map(|(one, other)| one + other).collect();
                Matrix { values, ..*read(0) }
            }
            Operation::InstanceFusion { neighbours, radius } => fuse(read(0), read(1), *neighbours, *radius),
        };
        done.push(output);
    }
    Ok(architecture.layers().iter().map(|layer| layer.scope.clone()).zip(done).collect())
}

type Perceptron<'a> = [(&'a FoldedConvolution, bool)];

/// Applies convolutions to every row; `true` beside a convolution means that ReLU follows.
fn apply(perceptron: &Perceptron<'_>, input: &Matrix) -> Matrix {
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

fn set_abstraction(source: &Matrix, level: &Level, finer: &[[f32; 3]], perceptron: &Perceptron<'_>) -> Matrix {
    let slots = level.neighbours.slots;
    let columns = perceptron.last().map_or(source.columns + 3, |(last, _)| last.outputs);
    let mut values = Vec::with_capacity(level.position.len() * columns);
    for (centre, group) in level.position.iter().zip(level.neighbours.index.chunks_exact(slots)) {
        let mut grouped = Matrix { rows: slots, columns: source.columns + 3, values: Vec::new() };
        for &neighbour in group {
            let neighbour = neighbour as usize;
            let position = finer[neighbour];
            grouped.values.extend([0, 1, 2].map(|axis| position[axis] - centre[axis]));
            grouped.values.extend_from_slice(source.row(neighbour));
        }
        let result = apply(perceptron, &grouped);
        values
            .extend((0..columns).map(|c| (0..slots).map(|slot| result.row(slot)[c]).fold(f32::NEG_INFINITY, f32::max)));
    }
    Matrix { rows: level.position.len(), columns, values }
}

fn feature_propagation(coarse: &Matrix, skip: &Matrix, level: &Level, perceptron: &Perceptron<'_>) -> Matrix {
    let mut joined = Matrix { rows: skip.rows, columns: coarse.columns + skip.columns, values: Vec::new() };
    let interpolation = &level.interpolation;
    for (row, (index, weight)) in interpolation.index.iter().zip(&interpolation.weight).enumerate() {
        let near = index.map(|point| coarse.row(point as usize));
        joined.values.extend(
            (0..coarse.columns).map(|c| near[0][c] * weight[0] + near[1][c] * weight[1] + near[2][c] * weight[2]),
        );
        joined.values.extend_from_slice(skip.row(row));
    }
    apply(perceptron, &joined)
}

/// The maximum over the `neighbours` nearest points within L1 `radius`, the point itself included.
/// Of equally near points the lower index wins, as in the reference's `top_k`.
fn fuse(features: &Matrix, embeddings: &Matrix, neighbours: usize, radius: f32) -> Matrix {
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
