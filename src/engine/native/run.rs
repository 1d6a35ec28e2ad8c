//! A program, run step by step over the memory of one thread.

mod groups;
mod point_convolution;
mod rows;
mod tiles;

use super::integer::IntegerKernels;
use super::kernels::{Aligned, Input, Kernels};
use super::memory::{Layout, Memory};
use super::program::{Operand, Program, Step, ValueId};
use crate::engine::{BlockInput, EngineError};

/// What does not change while a block runs.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The network.
    pub program: &'a Program,
    /// Where its matrices lie.
    pub layout: &'a Layout,
    /// The instructions that it runs on.
    pub kernels: &'static Kernels,
    /// Those for 8 bits.
    pub integer_kernels: &'static IntegerKernels,
    /// The block, which was checked against the network.
    pub block: BlockInput<'a>,
    /// Columns of the block's features.
    pub feature_columns: usize,
}

impl<'a> Run<'a> {
    /// Runs every step.
    pub fn run(&self, memory: &mut Memory) -> Result<(), EngineError> {
        // What a block that broke off has left.
        Self::release(memory);
        for step in &self.program.steps {
            match step {
                Step::Rows(stage) => self.rows(stage, memory),
                Step::Groups(group) => self.groups(group, memory),
                Step::PointConvolution(stage) => self.point_convolution(stage, memory),
                Step::Mean { from, to } => self.mean(*from, *to, memory),
                Step::GateFactors { parts, channels, to } => self.gate_factors(parts, *channels, *to, memory),
                Step::Fusion { features, embeddings, embedding_size, neighbours, radius, to } => {
                    self.hold(*to, memory);
                    let Memory { search, compact, buffers, held, .. } = &mut *memory;
                    self.compact(*embeddings, *embedding_size, buffers, compact);
                    let (features, matrix) = (self.matrix(*features, buffers), self.program.values[*to]);
                    let maxima = &mut held.last_mut().expect("just held").1.as_mut()[..matrix.rows * matrix.stride];
                    search.fuse(compact, *embedding_size, features, matrix.stride, *neighbours, *radius, maxima)?;
                    Self::release(memory);
                }
            }
        }
        Ok(())
    }

    /// A matrix without the padding of its rows.
    pub fn compact(&self, value: ValueId, channels: usize, buffers: &[Aligned], compact: &mut Vec<f32>) {
        let rows = self.matrix(value, buffers).chunks_exact(self.program.values[value].stride);
        compact.clear();
        rows.for_each(|row| compact.extend_from_slice(&row[..channels]));
    }

    /// The values of a matrix.
    fn matrix<'m>(&self, value: ValueId, buffers: &'m [Aligned]) -> &'m [f32] {
        let matrix = self.program.values[value];
        &buffers[self.layout.buffer[value]].as_ref()[..matrix.rows * matrix.stride]
    }

    /// Rows of an operand from `row` on, as the left side of a product.
    fn input<'m>(&self, operand: Operand, row: usize, buffers: &'m [Aligned]) -> Input<'m>
    where
        'a: 'm,
    {
        match operand {
            Operand::Features(first) => {
                Input::rows(&self.block.features[row * self.feature_columns + first..], self.feature_columns)
            }
            Operand::Position(level) => Input::rows(self.block.plan.levels[level].position[row..].as_flattened(), 3),
            Operand::Value(value) => {
                let stride = self.program.values[value].stride;
                Input::rows(&self.matrix(value, buffers)[row * stride..], stride)
            }
        }
    }

    /// Takes the buffer of a matrix out of the memory, to be written while others are read.
    fn hold(&self, value: ValueId, memory: &mut Memory) {
        let buffer = self.layout.buffer[value];
        memory.held.push((buffer, std::mem::take(&mut memory.buffers[buffer])));
    }

    /// Puts back every buffer that was taken.
    fn release(memory: &mut Memory) {
        while let Some((buffer, values)) = memory.held.pop() {
            memory.buffers[buffer] = values;
        }
    }

    /// The mean of every column, in double precision and in order of the rows.
    fn mean(&self, from: ValueId, to: ValueId, memory: &mut Memory) {
        let stride = self.program.values[from].stride;
        let rows = self.program.values[from].rows as f64;
        self.hold(to, memory);
        let matrix = self.matrix(from, &memory.buffers);
        let (_, mean) = memory.held.last_mut().expect("just held");
        for (column, mean) in mean.as_mut()[..stride].chunks_mut(COLUMNS).enumerate() {
            let mut sum = [0.0_f64; COLUMNS];
            for row in matrix.chunks_exact(stride) {
                let values = &row[column * COLUMNS..][..COLUMNS];
                sum.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = (sum / rows) as f32);
        }
        Self::release(memory);
    }

    /// `sigmoid(Σ parts / channels)` for every row, each part as often as it is there.
    fn gate_factors(&self, parts: &[(ValueId, usize, usize)], channels: usize, to: ValueId, memory: &mut Memory) {
        self.hold(to, memory);
        let (buffers, held) = (&memory.buffers, &mut memory.held);
        let (_, factors) = held.last_mut().expect("just held");
        for (row, factor) in factors.as_mut()[..self.program.values[to].rows].iter_mut().enumerate() {
            let mut sum = 0.0;
            for &(value, width, times) in parts {
                let matrix = self.program.values[value];
                let row = if matrix.rows == 1 { 0 } else { row };
                let values = &self.matrix(value, buffers)[row * matrix.stride..][..width];
                sum += sum_of(values) * times as f32;
            }
            *factor = sigmoid(sum / channels as f32);
        }
        Self::release(memory);
    }
}

/// Columns whose means are taken at once.
const COLUMNS: usize = super::kernels::LANES;

/// A sum in sixteen parts: one order of additions on every machine.
fn sum_of(values: &[f32]) -> f32 {
    let mut part = [0.0_f32; COLUMNS];
    let chunks = values.chunks_exact(COLUMNS);
    let rest = chunks.remainder();
    chunks.for_each(|chunk| part.iter_mut().zip(chunk).for_each(|(part, value)| *part += value));
    part.iter_mut().zip(rest).for_each(|(part, value)| *part += value);
    part.iter().sum()
}

/// The same bits on every machine, which the system's own exponential does not promise.
fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-value))
}
