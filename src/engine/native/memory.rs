//! Where the matrices of a program lie: few buffers, each used again as soon as its matrix is no longer read.

use super::integer::StepTiles;
use super::kernels::{Aligned, stride_of};
use super::program::{Affine, PointConvolutionStage, Program, RowOperation, RowStage, Step, ValueId};
use crate::engine::InstanceFusion;
use crate::geometry::LevelSpecification;
use crate::instruction_set::InstructionSet;

/// Values of a tile of rows: it and what it is multiplied with stay in the second cache.
const TILE_VALUES: usize = 16 * 1024;
/// Most rows of a tile.
const MOST_ROWS: usize = 96;
/// Fewest rows of a tile, however wide: weights are read once per tile.
const FEWEST_ROWS: usize = 16;
/// Centres whose sums are multiplied together in PointConv's encoder.
pub(super) const CENTRES: usize = 16;

/// Rows of a tile whose widest matrix has rows of `stride` values.
pub(super) fn tile_rows(stride: usize) -> usize {
    let rows = (TILE_VALUES / stride.max(1)).clamp(FEWEST_ROWS, MOST_ROWS);
    rows / 8 * 8
}

/// Which buffer each matrix lies in, and how long the buffers are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Buffer of each matrix.
    pub buffer: Vec<usize>,
    /// Values of each buffer.
    pub length: Vec<usize>,
}

impl Layout {
    /// Gives every matrix a buffer that nobody reads any more when the matrix is written.
    pub fn of(program: &Program) -> Self {
        let last_read = last_reads(program);
        let mut layout = Self { buffer: vec![0; program.values.len()], length: Vec::new() };
        let mut free: Vec<usize> = Vec::new();
        for (at, step) in program.steps.iter().enumerate() {
            for value in step.writes() {
                let needed = program.values[value].rows * program.values[value].stride;
                // The smallest that is large enough, else the largest, which grows.
                let best = free.iter().copied().enumerate().min_by_key(|&(_, buffer)| {
                    let length = layout.length[buffer];
                    if length >= needed { (0, length) } else { (1, usize::MAX - length) }
                });
                let buffer = match best {
                    Some((place, buffer)) => {
                        free.swap_remove(place);
                        buffer
                    }
                    None => {
                        layout.length.push(0);
                        layout.length.len() - 1
                    }
                };
                layout.length[buffer] = layout.length[buffer].max(needed);
                layout.buffer[value] = buffer;
            }
            // Buffers are given back after the step: none is read and written by the same one.
            let over = |value: &ValueId| last_read[*value] == at;
            let mut done: Vec<ValueId> = step.reads().into_iter().chain(step.writes()).filter(over).collect();
            done.sort_unstable();
            done.dedup();
            free.extend(done.into_iter().map(|value| layout.buffer[value]));
        }
        layout
    }
}

/// The last step that reads each matrix (or writes it, if nobody does); outputs are read at the end.
fn last_reads(program: &Program) -> Vec<usize> {
    let mut last = vec![0; program.values.len()];
    for (at, step) in program.steps.iter().enumerate() {
        step.reads().into_iter().chain(step.writes()).for_each(|value| last[value] = at);
    }
    for output in [program.logits.0, program.embeddings.0] {
        last[output] = usize::MAX;
    }
    last
}

/// Widest row of a perceptron that starts with rows of `stride` values.
pub(super) fn widest(stride: usize, perceptron: &[Affine]) -> usize {
    perceptron.iter().map(|affine| affine.weight.outputs()).fold(stride, usize::max)
}

/// Widest row of a stage.
pub(super) fn widest_of_stage(stage: &RowStage) -> usize {
    let operations = stage.operations.iter().map(|operation| match operation {
        RowOperation::Product(affine) => affine.weight.outputs(),
        _ => 0,
    });
    operations.fold(stage.head.stride, usize::max)
}

/// Points of a tile whose neighbours' weights are worked out together.
pub(super) fn depthwise_points(stride: usize, slots: usize) -> usize {
    (2 * TILE_VALUES / (stride * slots).max(1)).max(1)
}

/// Centres whose neighbours are worked on together.
pub(super) fn group_centres(stride: usize, slots: usize) -> usize {
    (tile_rows(stride) / slots.max(1)).max(1)
}

/// All that a program writes to while it runs. Allocated once.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Matrices.
    pub buffers: Vec<Aligned>,
    /// Tiles of rows that are worked on.
    pub tiles: [Aligned; 2],
    /// Tiles of rows in 8 bits.
    pub steps: StepTiles,
    /// Rows of a weight network's hidden layer, or of its output.
    pub hidden: Aligned,
    /// Weights of the neighbours of a tile.
    pub neighbour_weights: Aligned,
    /// Sums over a tile's neighbours.
    pub sums: Aligned,
    /// One row: what a stage's rows start with.
    pub start: Aligned,
    /// Of each gathered row: its centre and its point.
    pub pairs: Vec<[u32; 2]>,
    /// Buffers that are written by the step that runs.
    pub held: Vec<(usize, Aligned)>,
    /// Neighbours in embedding space.
    pub search: InstanceFusion,
    /// Embeddings without padding, for the search.
    pub compact: Vec<f32>,
}

/// Values that the working buffers have to hold.
#[derive(Default)]
struct Sizes {
    tile: usize,
    steps: usize,
    hidden: usize,
    neighbour_weights: usize,
    sums: usize,
    start: usize,
    pairs: usize,
}

impl Sizes {
    fn step(&mut self, program: &Program, step: &Step, levels: &[LevelSpecification]) {
        let mut grow = |size: fn(&mut Self) -> &mut usize, needed: usize| {
            let size = size(self);
            *size = (*size).max(needed);
        };
        match step {
            Step::Rows(stage) => {
                let (stride, rows) = (stage.head.stride, tile_rows(widest_of_stage(stage)));
                grow(|sizes| &mut sizes.tile, rows * widest_of_stage(stage));
                grow(|sizes| &mut sizes.start, stride);
                let deepest = stage.head.products.iter().map(|(_, weight)| weight.depth()).max().unwrap_or(0);
                grow(|sizes| &mut sizes.steps, rows * widest_of_stage(stage).max(stride_of(deepest)));
                grow(|sizes| &mut sizes.pairs, rows);
                let Some(depthwise) = &stage.head.depthwise else { return };
                let slots = levels[depthwise.level - 1].self_nearest;
                for part in &depthwise.parts {
                    let stride = part.bias.as_ref().len();
                    let points = depthwise_points(stride, slots);
                    grow(|sizes| &mut sizes.neighbour_weights, points * slots * stride);
                    grow(|sizes| &mut sizes.hidden, points * slots * program.values[depthwise.hidden].stride);
                    grow(|sizes| &mut sizes.pairs, points * slots);
                    grow(|sizes| &mut sizes.sums, rows * stride);
                    let hidden = program.values[depthwise.hidden].stride;
                    grow(|sizes| &mut sizes.steps, (points * slots * hidden).max(rows * stride));
                }
            }
            Step::Groups(group) => {
                let widest = widest(program.values[group.points].stride, &group.perceptron);
                let rows = tile_rows(widest);
                grow(|sizes| &mut sizes.tile, rows * widest);
                grow(|sizes| &mut sizes.steps, rows * widest);
                grow(|sizes| &mut sizes.pairs, rows);
            }
            Step::PointConvolution(PointConvolutionStage { group, weight_points, after, .. }) => {
                let slots = levels[group.level - 1].slots;
                let widest = widest(program.values[group.points].stride, &group.perceptron);
                let rows = group_centres(widest, slots) * slots;
                grow(|sizes| &mut sizes.tile, rows * widest);
                grow(|sizes| &mut sizes.steps, (rows * widest).max(CENTRES * after.weight.depth()));
                grow(|sizes| &mut sizes.pairs, rows);
                grow(|sizes| &mut sizes.hidden, rows * program.values[*weight_points].stride);
                grow(|sizes| &mut sizes.sums, CENTRES * after.weight.depth());
            }
            Step::Mean { .. } | Step::GateFactors { .. } | Step::Fusion { .. } => {}
        }
    }
}

impl Memory {
    /// Memory for a program over levels of these sizes, whose search runs on an instruction set.
    pub fn new(program: &Program, layout: &Layout, levels: &[LevelSpecification], set: InstructionSet) -> Self {
        let mut sizes = Sizes::default();
        program.steps.iter().for_each(|step| sizes.step(program, step, levels));
        Self {
            buffers: layout.length.iter().map(|&length| Aligned::zeros(length)).collect(),
            tiles: [sizes.tile, sizes.tile].map(Aligned::zeros),
            steps: StepTiles::new(sizes.steps),
            hidden: Aligned::zeros(sizes.hidden),
            neighbour_weights: Aligned::zeros(sizes.neighbour_weights),
            sums: Aligned::zeros(sizes.sums),
            start: Aligned::zeros(sizes.start),
            pairs: Vec::with_capacity(sizes.pairs),
            held: Vec::with_capacity(program.steps.iter().map(|step| step.writes().len()).max().unwrap_or(0)),
            search: InstanceFusion::on(set),
            ..Self::default()
        }
    }
}
