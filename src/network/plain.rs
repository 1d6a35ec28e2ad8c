//! The forward pass as the papers write it: simple loops, one fixed order of additions, no rewrite.
//!
//! This is the oracle. The ONNX parts compute the same function in a cheaper order, and the engines in
//! yet another; each is held against this file. Half a second a block is fine here.

use std::collections::BTreeMap;

use super::fit::{Misfit, check_fit};
use super::plain_layers::{
    apply, beside, depthwise_point_convolution, fuse, gate, global_maximum, global_mean, interpolate,
    point_convolution, set_abstraction, sum,
};
use super::weights::{Parameters, WeightsError};
use super::{Architecture, Operation, Source};
use crate::geometry::GeometryPlan;

/// A layer's output: one row per point of its level, or one row per block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of points, or 1.
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
    let points = architecture.points();
    let beyond: Vec<f32> = features.chunks_exact(columns).flat_map(|row| &row[3..]).copied().collect();
    let beyond = Matrix { rows: points, columns: columns - 3, values: beyond };
    let every = Matrix { rows: points, columns, values: features.to_vec() };
    let mut done: Vec<Matrix> = Vec::with_capacity(architecture.layers().len());
    for (index, layer) in architecture.layers().iter().enumerate() {
        let convolutions = architecture.convolutions_of(index);
        let folded = |scope: &str| parameters.convolution(scope).expect("the parameters were checked");
        let perceptron: Vec<_> = convolutions.iter().map(|step| (folded(&step.scope), step.normalised)).collect();
        let read = |input: usize| match architecture.sources(index)[input] {
            Source::Features => &beyond,
            Source::Columns => &every,
            Source::Layer(earlier) => &done[earlier],
        };
        let output = match &layer.operation {
            Operation::SetAbstraction { level, .. } => {
                let (coarse, fine) = (&plan.levels[*level], &plan.levels[level - 1]);
                set_abstraction(read(0), coarse, &fine.position, &perceptron)
            }
            Operation::PointConvolution { level, .. } => {
                let (coarse, fine) = (&plan.levels[*level], &plan.levels[level - 1]);
                point_convolution(read(0), coarse, &fine.position, &perceptron)
            }
            Operation::FeaturePropagation { level, .. } => {
                let interpolated = interpolate(read(0), &plan.levels[*level].interpolation);
                apply(&perceptron, &beside(&[&interpolated, read(1)], read(1).rows))
            }
            Operation::DepthwisePointConvolution { level, .. } => {
                let interpolated = interpolate(read(0), &plan.levels[*level].interpolation);
                depthwise_point_convolution(&interpolated, read(1), &plan.levels[level - 1], &perceptron)
            }
            Operation::Interpolate { level: 1 } => interpolate(read(0), &plan.levels[1].interpolation),
            Operation::Interpolate { level } => interpolate(read(0), &plan.levels[*level].block_interpolation),
            Operation::Dense { .. } | Operation::Linear { .. } => apply(&perceptron, read(0)),
            Operation::Sum => sum(read(0), read(1)),
            Operation::Concatenate => {
                let inputs: Vec<&Matrix> = (0..layer.inputs.len()).map(read).collect();
                beside(&inputs, architecture.rows_of(architecture.extent(index)))
            }
            Operation::Gate => gate(read(0)),
            Operation::GlobalMaximum => global_maximum(read(0)),
            Operation::GlobalMean => global_mean(read(0)),
            Operation::InstanceFusion { neighbours, radius } => fuse(read(0), read(1), *neighbours, *radius),
        };
        done.push(output);
    }
    Ok(architecture.layers().iter().map(|layer| layer.scope.clone()).zip(done).collect())
}
