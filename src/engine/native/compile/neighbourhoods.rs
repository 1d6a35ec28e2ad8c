//! Layers that look at neighbours: set abstraction, feature propagation, PointConv's encoder and decoder.

use super::super::kernels::{Weight, stride_of};
use super::super::program::{
    Affine, Carry, DensityNetwork, Depthwise, DepthwisePart, GroupStage, Head, Operand, PointConvolutionStage,
    RowOperation, RowStage, Step, ValueId,
};
use super::{Compiler, empty, padded};
use crate::network::{FoldedConvolution, MIDDLE_CHANNELS};

/// Columns of a coordinate.
const AXES: usize = 3;

impl Compiler<'_> {
    /// A convolution of `[p_j − c_i, f_j]` before the gather: its rows at the points (`W·[p_j, f_j] + b`) and what
    /// is subtracted at the centres (`W_p·c_i`).
    fn relative(
        &mut self,
        convolution: &FoldedConvolution,
        (points_level, centres_level): (usize, usize),
        features: Option<Operand>,
    ) -> (ValueId, ValueId) {
        let outputs = convolution.outputs;
        let mut at_points = Head { bias: padded(&convolution.bias), ..empty(outputs) };
        let of_position = self.weight(convolution, &[0..AXES]);
        at_points.products.push((Operand::Position(points_level), of_position));
        if let Some(features) = features {
            at_points.products.push((features, self.weight(convolution, &[AXES..convolution.inputs])));
        }
        let points =
            RowStage { rows: self.architecture.points_of(points_level), head: at_points, operations: Vec::new() };
        let of_centre = self.weight(convolution, &[0..AXES]);
        let at_centres = Head { products: vec![(Operand::Position(centres_level), of_centre)], ..empty(outputs) };
        let rows = self.architecture.points_of(centres_level);
        let centres = RowStage { rows, head: at_centres, operations: Vec::new() };
        (self.store(points, outputs), self.store(centres, outputs))
    }

    /// The features that a layer groups, if it has any.
    fn grouped_features(&mut self, layer: usize) -> Option<Operand> {
        let source = self.architecture.sources(layer)[0];
        (self.channels(source) > 0).then(|| self.operand(source))
    }

    /// First product and perceptron of grouped rows; `to` is the caller's.
    fn group(
        &mut self,
        layer: usize,
        level: usize,
        perceptron: &[(FoldedConvolution, bool)],
        to: ValueId,
    ) -> GroupStage {
        let features = self.grouped_features(layer);
        let (first, rest) = perceptron.split_first().expect("the widths were checked");
        let (points, centres) = self.relative(&first.0, (level - 1, level), features);
        let perceptron = rest.iter().map(|step| self.affine(step)).collect();
        GroupStage { level, points, centres, perceptron, to }
    }

    pub(super) fn set_abstraction(&mut self, layer: usize, level: usize) -> ValueId {
        let convolutions = self.convolutions(layer);
        let outputs = convolutions.last().map_or(0, |(last, _)| last.outputs);
        let to = self.value(self.architecture.points_of(level), stride_of(outputs));
        let group = self.group(layer, level, &convolutions, to);
        self.steps.push(Step::Groups(group));
        to
    }

    pub(super) fn point_convolution(&mut self, layer: usize, level: usize) -> ValueId {
        let convolutions = self.convolutions(layer);
        let (perceptron, last) = convolutions.split_last_chunk::<4>().expect("four convolutions come last");
        let [weight, hidden, output, after] = last;
        let to = self.value(self.architecture.points_of(level), stride_of(after.0.outputs));
        let group = self.group(layer, level, perceptron, to);
        let (weight_points, weight_centres) = self.relative(&weight.0, (level - 1, level), None);
        let units = hidden.0.weight.iter().zip(&hidden.0.bias).zip(&output.0.weight);
        let density = DensityNetwork {
            hidden: units.map(|((&factor, &shift), &output)| [factor, shift, output]).collect(),
            shift: output.0.bias[0],
        };
        debug_assert_eq!(weight.0.outputs, MIDDLE_CHANNELS);
        // The sums of a padded channel lie behind all others; their weights are zero.
        let channels = after.0.inputs / MIDDLE_CHANNELS;
        let mut rows = after.0.weight.clone();
        rows.resize(stride_of(channels) * MIDDLE_CHANNELS * after.0.outputs, 0.0);
        let weight = Weight::new(&rows, stride_of(channels) * MIDDLE_CHANNELS, after.0.outputs, self.panel);
        let after = Affine { weight, bias: padded(&after.0.bias), relu: after.1 };
        let stage = PointConvolutionStage { group, weight_points, weight_centres, density, after };
        self.steps.push(Step::PointConvolution(stage));
        to
    }

    pub(super) fn feature_propagation(&mut self, layer: usize, level: usize) -> RowStage {
        let convolutions = self.convolutions(layer);
        let ((first, relu), rest) = convolutions.split_first().expect("the widths were checked");
        let sources = self.architecture.sources(layer).to_vec();
        let coarse_channels = self.channels(sources[0]);
        let coarse = self.operand(sources[0]);
        let weight = self.weight(first, &[0..coarse_channels]);
        let product = Head { products: vec![(coarse, weight)], ..empty(first.outputs) };
        let stage = RowStage { rows: self.rows(sources[0]), head: product, operations: Vec::new() };
        let coarse = self.store(stage, first.outputs);
        let mut head = Head { bias: padded(&first.bias), relu: *relu, ..empty(first.outputs) };
        head.carried.push((coarse, Carry::Finer(level)));
        if first.inputs > coarse_channels {
            let skip = self.operand(sources[1]);
            head.products.push((skip, self.weight(first, &[coarse_channels..first.inputs])));
        }
        let operations = rest.iter().map(|step| RowOperation::Product(self.affine(step))).collect();
        RowStage { rows: self.rows(sources[1]), head, operations }
    }

    pub(super) fn depthwise_point_convolution(&mut self, layer: usize, level: usize) -> RowStage {
        let convolutions = self.convolutions(layer);
        let ([hidden, weight, normalisation], rest) =
            convolutions.split_first_chunk::<3>().expect("three convolutions come first");
        let ((first, relu), rest) = rest.split_first().expect("the widths were checked");
        let sources = self.architecture.sources(layer).to_vec();
        let (fine, coarse_channels) = (level - 1, self.channels(sources[0]));
        let rows = self.architecture.points_of(fine);

        let coarse = self.value_of(sources[0]);
        let carried = Head { carried: vec![(coarse, Carry::Finer(level))], ..empty(coarse_channels) };
        let features = self.store(RowStage { rows, head: carried, operations: Vec::new() }, coarse_channels);
        let positions = Head { products: vec![self.copy(Operand::Position(fine), AXES, 0..AXES, AXES)], ..empty(AXES) };
        let positions = self.store(RowStage { rows, head: positions, operations: Vec::new() }, AXES);

        let (hidden, hidden_centre) = self.relative(&hidden.0, (fine, fine), None);
        let mut scaled = weight.0.clone();
        scaled.scale_outputs(&normalisation.0.weight);
        let part = |source, relative, start: usize, end: usize| {
            let columns = columns(&scaled, start, end);
            DepthwisePart {
                source,
                relative,
                weight: self.affine(&(columns, false)),
                bias: padded(&normalisation.0.bias[start..end]),
                product: self.weight(first, &[start..end]),
            }
        };
        let all = AXES + coarse_channels;
        let parts = [part(positions, true, 0, AXES), part(features, false, AXES, all)];
        let depthwise = Some(Depthwise { level: fine, hidden, hidden_centre, parts });
        let mut head = Head { bias: padded(&first.bias), relu: *relu, depthwise, ..empty(first.outputs) };
        if first.inputs > all {
            let skip = self.operand(sources[1]);
            head.products.push((skip, self.weight(first, &[all..first.inputs])));
        }
        let operations = rest.iter().map(|step| RowOperation::Product(self.affine(step))).collect();
        RowStage { rows, head, operations }
    }
}

/// Some outputs of a convolution.
fn columns(convolution: &FoldedConvolution, start: usize, end: usize) -> FoldedConvolution {
    let rows = convolution.weight.chunks_exact(convolution.outputs);
    FoldedConvolution {
        inputs: convolution.inputs,
        outputs: end - start,
        weight: rows.flat_map(|row| &row[start..end]).copied().collect(),
        bias: convolution.bias[start..end].to_vec(),
    }
}
