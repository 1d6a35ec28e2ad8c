//! Layers that look at neighbours: set abstraction, feature propagation, PointConv's encoder and decoder.

use super::super::kernels::stride_of;
use super::super::program::{
    Carry, DensityNetwork, DensityUnit, Depthwise, DepthwisePart, GroupStage, Head, Operand, PointConvolutionStage,
    RowOperation, RowStage, Step, ValueId,
};
use super::parameters::Folded;
use super::{Compiler, empty, padded};
use crate::network::MIDDLE_CHANNELS;

/// Columns of a coordinate.
const AXES: usize = 3;

impl Compiler<'_> {
    /// A convolution of `[p_j − c_i, f_j]` before the gather: its rows at the points (`W·[p_j, f_j] + b`) and what
    /// is subtracted at the centres (`W_p·c_i`).
    fn relative(
        &mut self,
        convolution: &Folded,
        (points_level, centres_level): (usize, usize),
        features: Option<Operand>,
    ) -> (ValueId, ValueId) {
        let outputs = convolution.outputs();
        let mut at_points = Head { bias: padded(convolution.bias()), ..empty(outputs) };
        let of_position = self.part_of_whole(convolution, 0..AXES);
        at_points.products.push((Operand::Position(points_level), of_position));
        if let Some(features) = features {
            at_points.products.push((features, self.part_of_whole(convolution, AXES..convolution.inputs())));
        }
        let points =
            RowStage { rows: self.architecture.points_of(points_level), head: at_points, operations: Vec::new() };
        let of_centre = self.piece(convolution, 0..AXES);
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
    fn group(&mut self, layer: usize, level: usize, perceptron: &[Folded], to: ValueId) -> GroupStage {
        let features = self.grouped_features(layer);
        let (first, rest) = perceptron.split_first().expect("the widths were checked");
        let (points, centres) = self.relative(first, (level - 1, level), features);
        let perceptron = rest.iter().map(|step| self.affine(step)).collect();
        GroupStage { level, points, centres, perceptron, to }
    }

    pub(super) fn set_abstraction(&mut self, layer: usize, level: usize) -> ValueId {
        let convolutions = self.convolutions(layer);
        let outputs = convolutions.last().map_or(0, Folded::outputs);
        let to = self.value(self.architecture.points_of(level), stride_of(outputs));
        let group = self.group(layer, level, &convolutions, to);
        self.steps.push(Step::Groups(group));
        to
    }

    pub(super) fn point_convolution(&mut self, layer: usize, level: usize) -> ValueId {
        let convolutions = self.convolutions(layer);
        let (perceptron, last) = convolutions.split_last_chunk::<4>().expect("four convolutions come last");
        let [weight, hidden, output, after] = last;
        let to = self.value(self.architecture.points_of(level), stride_of(after.outputs()));
        let group = self.group(layer, level, perceptron, to);
        let (weight_points, weight_centres) = self.relative(weight, (level - 1, level), None);
        let density = self.density_network(hidden, output);
        debug_assert_eq!(weight.outputs(), MIDDLE_CHANNELS);
        let after = self.after_convolution(after);
        let stage = PointConvolutionStage { group, weight_points, weight_centres, density, after };
        self.steps.push(Step::PointConvolution(stage));
        to
    }

    fn density_network(&self, hidden: &Folded, output: &Folded) -> DensityNetwork {
        let integer = self.from.integers.get(&output.kernel);
        let step = |unit: usize| {
            let integer = integer?;
            Some(integer.input_scale / integer.input_factor.as_ref().map_or(1.0, |factors| factors[unit]))
        };
        let unit = |unit: usize| DensityUnit {
            factor: hidden.convolution.weight[unit],
            shift: hidden.bias()[unit],
            output: output.convolution.weight[unit],
            step: step(unit),
        };
        DensityNetwork { hidden: (0..hidden.outputs()).map(unit).collect(), shift: output.bias()[0] }
    }

    pub(super) fn feature_propagation(&mut self, layer: usize, level: usize) -> RowStage {
        let convolutions = self.convolutions(layer);
        let (first, rest) = convolutions.split_first().expect("the widths were checked");
        let sources = self.architecture.sources(layer).to_vec();
        let coarse_channels = self.channels(sources[0]);
        let coarse = self.operand(sources[0]);
        let weight = self.piece(first, 0..coarse_channels);
        let product = Head { products: vec![(coarse, weight)], ..empty(first.outputs()) };
        let stage = RowStage { rows: self.rows(sources[0]), head: product, operations: Vec::new() };
        let coarse = self.store(stage, first.outputs());
        let mut head = Head { bias: padded(first.bias()), relu: first.relu, ..empty(first.outputs()) };
        head.carried.push((coarse, Carry::Finer(level)));
        if first.inputs() > coarse_channels {
            let skip = self.operand(sources[1]);
            head.products.push((skip, self.piece(first, coarse_channels..first.inputs())));
        }
        let operations = rest.iter().map(|step| RowOperation::Product(self.affine(step))).collect();
        RowStage { rows: self.rows(sources[1]), head, operations }
    }

    pub(super) fn depthwise_point_convolution(&mut self, layer: usize, level: usize) -> RowStage {
        let convolutions = self.convolutions(layer);
        let ([hidden, weight, normalisation], rest) =
            convolutions.split_first_chunk::<3>().expect("three convolutions come first");
        let (first, rest) = rest.split_first().expect("the widths were checked");
        let sources = self.architecture.sources(layer).to_vec();
        let (fine, coarse_channels) = (level - 1, self.channels(sources[0]));
        let rows = self.architecture.points_of(fine);

        let coarse = self.value_of(sources[0]);
        let carried = Head { carried: vec![(coarse, Carry::Finer(level))], ..empty(coarse_channels) };
        let features = self.store(RowStage { rows, head: carried, operations: Vec::new() }, coarse_channels);
        let positions = Head { products: vec![self.copy(Operand::Position(fine), AXES, 0..AXES, AXES)], ..empty(AXES) };
        let positions = self.store(RowStage { rows, head: positions, operations: Vec::new() }, AXES);

        let (hidden, hidden_centre) = self.relative(hidden, (fine, fine), None);
        let mut scaled = weight.clone();
        let factors = &normalisation.convolution.weight;
        if factors.iter().any(|&factor| factor != 1.0) {
            // An older folder, whose kernels are in floats.
            scaled.convolution.scale_outputs(factors);
        }
        let part = |source, relative, start: usize, end: usize| DepthwisePart {
            source,
            relative,
            weight: self.affine(&scaled.columns(start..end)),
            bias: padded(&normalisation.bias()[start..end]),
            product: self.piece(first, start..end),
        };
        let all = AXES + coarse_channels;
        let parts = [part(positions, true, 0, AXES), part(features, false, AXES, all)];
        let depthwise = Some(Depthwise { level: fine, hidden, hidden_centre, parts });
        let mut head = Head { bias: padded(first.bias()), relu: first.relu, depthwise, ..empty(first.outputs()) };
        if first.inputs() > all {
            let skip = self.operand(sources[1]);
            head.products.push((skip, self.piece(first, all..first.inputs())));
        }
        let operations = rest.iter().map(|step| RowOperation::Product(self.affine(step))).collect();
        RowStage { rows, head, operations }
    }
}
