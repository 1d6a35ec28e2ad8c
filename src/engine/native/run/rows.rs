//! Row stages: everything that is done row by row, a tile of rows at a time.

use super::super::integer::StepTiles;
use super::super::kernels::{Aligned, Carried, Gathered, Input, Start, Weighted};
use super::super::memory::{Memory, depthwise_points, tile_rows, widest_of_stage};
use super::super::program::{Carry, Depthwise, Head, RowOperation, RowStage, ValueId};
use super::Run;
use super::tiles::{Loose, Tile};
use crate::geometry::Interpolation;

/// Buffers that a head needs beside its tile.
struct HeadBuffers<'m> {
    steps: &'m mut StepTiles,
    hidden: &'m mut Aligned,
    weights: &'m mut Aligned,
    sums: &'m mut Aligned,
    pairs: &'m mut Vec<[u32; 2]>,
}

impl Run<'_> {
    pub(super) fn rows(&self, stage: &RowStage, memory: &mut Memory) {
        for operation in &stage.operations {
            match operation {
                RowOperation::Store(value) => self.hold(*value, memory),
                RowOperation::Maximum(value) => {
                    self.hold(*value, memory);
                    memory.held.last_mut().expect("just held").1.as_mut().fill(f32::NEG_INFINITY);
                }
                RowOperation::Product(_) | RowOperation::Add(_) => {}
            }
        }
        let Memory { buffers, tiles: [one, other], steps, hidden, neighbour_weights, sums, start, pairs, held, .. } =
            memory;
        self.start_row(&stage.head, buffers, start.as_mut());
        let tile = tile_rows(widest_of_stage(stage));
        for first in (0..stage.rows).step_by(tile) {
            let rows = tile.min(stage.rows - first);
            // What is only kept is written where it is kept.
            let last = stage.operations.len().saturating_sub(1);
            let direct = |at: usize| match stage.operations.get(at) {
                Some(RowOperation::Store(value)) if at == last => Some(*value),
                _ => None,
            };
            let stride = stage.head.stride;
            let head_output = match direct(0) {
                Some(value) => &mut self.kept(value, held)[first * stride..],
                None => one.as_mut(),
            };
            let mut head = HeadBuffers { steps: &mut *steps, hidden, weights: neighbour_weights, sums, pairs };
            self.head(&stage.head, start.as_ref(), first, rows, buffers, &mut head, head_output);
            let mut tile = Tile { floats: [&mut *one, &mut *other], steps: &mut *steps, stride, in_steps: false };
            for (at, operation) in stage.operations.iter().enumerate() {
                match operation {
                    RowOperation::Product(layer) => {
                        let next = match stage.operations.get(at + 1) {
                            Some(RowOperation::Product(next)) => Some(next),
                            _ => None,
                        };
                        let stride = layer.weight.outputs();
                        let output = direct(at + 1).map(|value| &mut self.kept(value, held)[first * stride..]);
                        tile.multiply(self, layer, next, rows, output);
                    }
                    RowOperation::Add(value) => {
                        let added = &self.matrix(*value, buffers)[first * tile.stride..][..rows * tile.stride];
                        self.kernels.add(added, tile.floats[0].as_mut());
                    }
                    RowOperation::Store(_) if at == last && at == 0 => {}
                    RowOperation::Store(_) if at == last && is_product(&stage.operations[at - 1]) => {}
                    RowOperation::Store(value) => {
                        let output = &mut self.kept(*value, held)[first * tile.stride..][..rows * tile.stride];
                        output.copy_from_slice(tile.rows(rows));
                    }
                    RowOperation::Maximum(value) => {
                        pairs.clear();
                        pairs.resize(rows, [0; 2]);
                        self.kernels.maximum(tile.rows(rows), tile.stride, pairs, self.kept(*value, held));
                    }
                }
            }
        }
        Self::release(memory);
    }

    /// A matrix that this step writes.
    fn kept<'m>(&self, value: ValueId, held: &'m mut [(usize, Aligned)]) -> &'m mut [f32] {
        let matrix = self.program.values[value];
        let (_, values) =
            held.iter_mut().find(|(buffer, _)| *buffer == self.layout.buffer[value]).expect("held for this step");
        &mut values.as_mut()[..matrix.rows * matrix.stride]
    }

    /// What every row of a stage starts with: what holds for the whole block, and the bias unless a gate comes first.
    fn start_row(&self, head: &Head, buffers: &[Aligned], start: &mut [f32]) {
        let start = &mut start[..head.stride];
        match head.gate {
            Some(_) => start.fill(0.0),
            None => start.copy_from_slice(head.bias.as_ref()),
        }
        head.whole_block.iter().for_each(|&value| self.kernels.add(self.matrix(value, buffers), start));
    }

    #[allow(clippy::too_many_arguments)] // the parts of a memory that is lent out in pieces
    fn head(
        &self,
        head: &Head,
        start: &[f32],
        first: usize,
        rows: usize,
        buffers: &[Aligned],
        head_buffers: &mut HeadBuffers<'_>,
        output: &mut [f32],
    ) {
        let stride = head.stride;
        let output = &mut output[..rows * stride];
        let filled = !head.carried.is_empty() || head.depthwise.is_some() || head.products.is_empty();
        if filled {
            output.chunks_exact_mut(stride).for_each(|row| row.copy_from_slice(&start[..stride]));
        }
        for &(value, carry) in &head.carried {
            let Interpolation { index, weight } = self.carry(carry);
            let (index, weight) = (&index[first..first + rows], &weight[first..first + rows]);
            self.kernels.carry(&Carried { source: self.matrix(value, buffers), stride, index, weight }, output);
        }
        if let Some(depthwise) = &head.depthwise {
            self.depthwise(depthwise, first, rows, buffers, head_buffers, (output, stride));
        }
        let activates = head.relu && head.gate.is_none();
        for (at, (operand, weight)) in head.products.iter().enumerate() {
            let start = if at == 0 && !filled { Start::Bias(start) } else { Start::Output };
            let relu = activates && at + 1 == head.products.len();
            let input = self.input(*operand, first, buffers);
            self.multiply(&Loose { input, rows, weight, start, relu }, head_buffers.steps, output, stride);
        }
        if let Some(gate) = head.gate {
            let factors = &self.matrix(gate, buffers)[first..first + rows];
            for (row, factor) in output.chunks_exact_mut(stride).zip(factors) {
                row.iter_mut().zip(head.bias.as_ref()).for_each(|(value, bias)| *value = *value * factor + bias);
            }
        }
        if head.relu && (head.gate.is_some() || head.products.is_empty()) {
            output.iter_mut().for_each(|value| *value = if *value > 0.0 { *value } else { 0.0 });
        }
    }

    fn carry(&self, carry: Carry) -> &Interpolation {
        let levels = &self.block.plan.levels;
        match carry {
            Carry::Finer(level) => &levels[level].interpolation,
            Carry::Block(level) => &levels[level].block_interpolation,
        }
    }

    /// Sums over each point's neighbours, multiplied into `output`.
    fn depthwise(
        &self,
        depthwise: &Depthwise,
        first: usize,
        rows: usize,
        buffers: &[Aligned],
        head_buffers: &mut HeadBuffers<'_>,
        (output, output_stride): (&mut [f32], usize),
    ) {
        let HeadBuffers { steps, hidden, weights, sums, pairs } = head_buffers;
        let own = &self.block.plan.levels[depthwise.level].self_neighbours;
        let slots = own.slots;
        let hidden_stride = self.program.values[depthwise.hidden].stride;
        for part in &depthwise.parts {
            let stride = part.bias.as_ref().len();
            let together = depthwise_points(stride, slots);
            for begin in (0..rows).step_by(together) {
                let points = together.min(rows - begin);
                pairs.clear();
                for point in first + begin..first + begin + points {
                    let group = &own.index[point * slots..][..slots];
                    pairs.extend(group.iter().map(|&neighbour| [point as u32, neighbour]));
                }
                let [source, centre] =
                    [depthwise.hidden, depthwise.hidden_centre].map(|value| self.matrix(value, buffers));
                self.kernels.gather(&Gathered { source, centre, stride: hidden_stride, pairs }, hidden.as_mut());
                let (input, start) =
                    (Input::rows(hidden.as_ref(), hidden_stride), Start::Bias(part.weight.bias.as_ref()));
                let product = Loose { input, rows: pairs.len(), weight: &part.weight.weight, start, relu: false };
                self.multiply(&product, steps, weights.as_mut(), stride);
                let source = self.matrix(part.source, buffers);
                let gathered = Gathered { source, centre: source, stride, pairs };
                let weighted = Weighted {
                    weight: weights.as_ref(),
                    gathered,
                    slots,
                    bias: part.bias.as_ref(),
                    relative: part.relative,
                };
                self.kernels.weighted(&weighted, &mut sums.as_mut()[begin * stride..]);
            }
            let input = Input::rows(sums.as_ref(), stride);
            let product = Loose { input, rows, weight: &part.product, start: Start::Output, relu: false };
            self.multiply(&product, steps, output, output_stride);
        }
    }
}

fn is_product(operation: &RowOperation) -> bool {
    matches!(operation, RowOperation::Product(_))
}
