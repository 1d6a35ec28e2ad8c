//! From a layer list to a program.
//!
//! Layers are compiled when somebody asks for their output, starting from the embeddings and the logits. A layer
//! that works row by row on the output of another such layer is appended to that one's stage, so that the rows
//! between them never leave the cache; they are stored only where another layer reads them, too.
//!
//! The exact rewrites (`design/inference.md`) are made here: first products before the gather and before the
//! interpolation, products moved inward by [`Architecture::product_of`], one-row inputs multiplied once.

mod neighbourhoods;
mod parameters;
mod readers;

use std::collections::BTreeMap;
use std::ops::Range;

use self::parameters::Folded;
use self::readers::count_readers;
use super::integer::IntegerKernels;
use super::kernels::{Aligned, Kernels, Weight, stride_of};
use super::program::{Carry, Head, Multiplier, Operand, Program, RowOperation, RowStage, Step, Value, ValueId};
use crate::network::onnx::IntegerKernel;
use crate::network::{Architecture, Operation, Parameters, Source, Term, WeightsError};

/// What a network is compiled from, and for.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// The layers.
    pub architecture: &'a Architecture,
    /// Their parameters, in floats.
    pub parameters: &'a Parameters,
    /// Those of their kernels that are in 8 bits, by name.
    pub integers: &'a BTreeMap<String, IntegerKernel>,
    /// Kernels for floats.
    pub kernels: &'static Kernels,
    /// Kernels for 8 bits.
    pub integer_kernels: &'static IntegerKernels,
}

/// Compiles a network.
///
/// # Errors
/// [`WeightsError::Missing`] where the parameters are not the architecture's.
pub(super) fn compile(from: Sources<'_>) -> Result<Program, WeightsError> {
    let Sources { architecture, parameters, .. } = from;
    parameters.check(architecture)?;
    let layers = architecture.layers().len();
    let mut compiler = Compiler {
        from,
        architecture,
        readers: count_readers(architecture),
        done: vec![None; layers],
        values: Vec::new(),
        steps: Vec::new(),
    };
    let embeddings = compiler.value_of(Source::Layer(architecture.embeddings()));
    let logits = compiler.value_of(Source::Layer(architecture.logits()));
    let Compiler { values, steps, .. } = compiler;
    Ok(Program {
        values,
        steps,
        logits: (logits, architecture.classes()),
        embeddings: (embeddings, architecture.embedding_size()),
    })
}

struct Compiler<'a> {
    from: Sources<'a>,
    architecture: &'a Architecture,
    /// How many layers want the output of each layer.
    readers: Vec<usize>,
    /// Where the output of each layer is kept, for those that are.
    done: Vec<Option<ValueId>>,
    values: Vec<Value>,
    steps: Vec<Step>,
}

impl Compiler<'_> {
    fn value(&mut self, rows: usize, stride: usize) -> ValueId {
        self.values.push(Value { rows, stride });
        self.values.len() - 1
    }

    fn channels(&self, source: Source) -> usize {
        self.architecture.extent_of(source).channels
    }

    fn rows(&self, source: Source) -> usize {
        self.architecture.rows_of(self.architecture.extent_of(source))
    }

    /// The matrix that holds a source.
    fn operand(&mut self, source: Source) -> Operand {
        match source {
            Source::Features => Operand::Features(3),
            Source::Columns => Operand::Features(0),
            Source::Layer(layer) => Operand::Value(self.layer(layer)),
        }
    }

    /// As [`operand`](Self::operand), copied into a matrix of its own where it is the block's.
    fn value_of(&mut self, source: Source) -> ValueId {
        match self.operand(source) {
            Operand::Value(value) => value,
            operand => {
                let channels = self.channels(source);
                let head =
                    Head { products: vec![self.copy(operand, channels, 0..channels, channels)], ..empty(channels) };
                self.store(RowStage { rows: self.rows(source), head, operations: Vec::new() }, channels)
            }
        }
    }

    /// The output of a layer, which is computed unless it was.
    fn layer(&mut self, layer: usize) -> ValueId {
        if let Some(value) = self.done[layer] {
            return value;
        }
        let source = self.architecture.sources(layer)[0];
        let (rows, channels) = (self.rows(Source::Layer(layer)), self.channels(Source::Layer(layer)));
        let value = match self.architecture.layers()[layer].operation.clone() {
            Operation::SetAbstraction { level, .. } => self.set_abstraction(layer, level),
            Operation::PointConvolution { level, .. } => self.point_convolution(layer, level),
            Operation::GlobalMaximum => {
                let mut stage = self.rows_of(source);
                let to = self.value(rows, stride_of(channels));
                stage.operations.push(RowOperation::Maximum(to));
                self.steps.push(Step::Rows(stage));
                to
            }
            Operation::GlobalMean => {
                let from = self.value_of(source);
                let to = self.value(rows, stride_of(channels));
                self.steps.push(Step::Mean { from, to });
                to
            }
            Operation::InstanceFusion { neighbours, radius } => {
                let features = self.value_of(source);
                let embeddings = self.architecture.sources(layer)[1];
                let embedding_size = self.channels(embeddings);
                let embeddings = self.value_of(embeddings);
                let to = self.value(rows, stride_of(channels));
                self.steps.push(Step::Fusion { features, embeddings, embedding_size, neighbours, radius, to });
                to
            }
            _ => {
                let stage = self.stage(layer);
                self.store(stage, channels)
            }
        };
        self.done[layer] = Some(value);
        value
    }

    /// Ends a stage by keeping its rows.
    fn store(&mut self, mut stage: RowStage, channels: usize) -> ValueId {
        let value = self.value(stage.rows, stride_of(channels));
        stage.operations.push(RowOperation::Store(value));
        self.steps.push(Step::Rows(stage));
        value
    }

    /// A stage that gives the rows of a source: computed on the way where nobody has yet, else read.
    fn rows_of(&mut self, source: Source) -> RowStage {
        if let Source::Layer(layer) = source
            && self.done[layer].is_none()
            && is_row_by_row(&self.architecture.layers()[layer].operation)
        {
            let mut stage = self.stage(layer);
            if self.readers[layer] > 1 {
                let value = self.value(stage.rows, stride_of(self.channels(source)));
                stage.operations.push(RowOperation::Store(value));
                self.done[layer] = Some(value);
            }
            return stage;
        }
        let (rows, channels) = (self.rows(source), self.channels(source));
        let value = self.value_of(source);
        RowStage { rows, head: empty(channels), operations: vec![RowOperation::Add(value)] }
    }

    /// The stage of a layer that works row by row, without keeping its rows.
    fn stage(&mut self, layer: usize) -> RowStage {
        let sources = self.architecture.sources(layer).to_vec();
        let (rows, channels) = (self.rows(Source::Layer(layer)), self.channels(Source::Layer(layer)));
        match self.architecture.layers()[layer].operation.clone() {
            Operation::FeaturePropagation { level, .. } => self.feature_propagation(layer, level),
            Operation::DepthwisePointConvolution { level, .. } => self.depthwise_point_convolution(layer, level),
            Operation::Dense { .. } | Operation::Linear { .. } => self.product(layer),
            Operation::Interpolate { level } => {
                let carry = if level == 1 { Carry::Finer(1) } else { Carry::Block(level) };
                let head = Head { carried: vec![(self.value_of(sources[0]), carry)], ..empty(channels) };
                RowStage { rows, head, operations: Vec::new() }
            }
            Operation::Sum => self.sum(&sources, rows, channels),
            Operation::Gate => {
                let operand = self.operand(sources[0]);
                let gate = Some(self.gate_factors(layer));
                let products = vec![self.copy(operand, channels, 0..channels, channels)];
                RowStage { rows, head: Head { products, gate, ..empty(channels) }, operations: Vec::new() }
            }
            Operation::Concatenate => {
                let mut head = empty(channels);
                let mut start = 0;
                for source in sources {
                    let width = self.channels(source);
                    let place = start..start + width;
                    start += width;
                    let operand = self.operand(source);
                    let copy = self.copy(operand, width, place, channels);
                    self.add_term(&mut head, rows, source, copy);
                }
                RowStage { rows, head, operations: Vec::new() }
            }
            other => unreachable!("{other:?} does not work row by row"),
        }
    }

    /// Two matrices added: onto the stage of the one that is not there yet, if there is one.
    fn sum(&mut self, sources: &[Source], rows: usize, channels: usize) -> RowStage {
        let here = |compiler: &Self, source: Source| compiler.rows(source) == rows;
        let [one, other] = [sources[0], sources[1]];
        let open = |compiler: &Self, source: Source| {
            here(compiler, source) && matches!(source, Source::Layer(layer) if compiler.done[layer].is_none())
        };
        let (first, second) = if open(self, one) { (one, other) } else { (other, one) };
        let added = self.operand(second);
        if let (Operand::Value(value), true, true) = (added, open(self, first), here(self, second)) {
            let mut stage = self.rows_of(first);
            stage.operations.push(RowOperation::Add(value));
            return stage;
        }
        let mut stage = RowStage { rows, head: empty(channels), operations: Vec::new() };
        for source in [one, other] {
            match self.operand(source) {
                Operand::Value(value) if here(self, source) => stage.operations.push(RowOperation::Add(value)),
                operand => {
                    let copy = self.copy(operand, channels, 0..channels, channels);
                    self.add_term(&mut stage.head, rows, source, copy);
                }
            }
        }
        stage
    }

    /// A dense or linear layer.
    fn product(&mut self, layer: usize) -> RowStage {
        let source = self.architecture.sources(layer)[0];
        let convolution = self.convolutions(layer).remove(0);
        let terms = self.architecture.product_of(layer);
        let direct = matches!(terms.as_slice(), [Term { source: read, after, rows }]
            if *read == source && after.is_empty() && rows.len() == 1);
        let Some(gate) = self.common_gate(&terms) else { return self.direct_product(source, &convolution) };
        if direct {
            return self.direct_product(source, &convolution);
        }
        let rows = self.rows(Source::Layer(layer));
        let outputs = convolution.outputs();
        let mut head = Head { relu: convolution.relu, bias: padded(convolution.bias()), ..empty(outputs) };
        head.gate = gate.map(|gate| self.gate_factors(gate));
        for term in &terms {
            let weight = self.weight(&convolution, &term.rows);
            let operand = self.operand(term.source);
            match term.after.first().map(|&inner| self.architecture.layers()[inner].operation.clone()) {
                Some(Operation::Interpolate { level }) => {
                    let carry = if level == 1 { Carry::Finer(1) } else { Carry::Block(level) };
                    let products = vec![(operand, weight)];
                    let coarse = Head { products, ..empty(outputs) };
                    let stage = RowStage { rows: self.rows(term.source), head: coarse, operations: Vec::new() };
                    head.carried.push((self.store(stage, outputs), carry));
                }
                _ => self.add_term(&mut head, rows, term.source, (operand, weight)),
            }
        }
        RowStage { rows, head, operations: Vec::new() }
    }

    /// The product with a source as it is.
    fn direct_product(&mut self, source: Source, convolution: &Folded) -> RowStage {
        let operand = match source {
            Source::Layer(layer)
                if self.done[layer].is_none() && is_row_by_row(&self.architecture.layers()[layer].operation) =>
            {
                let mut stage = self.rows_of(source);
                stage.operations.push(RowOperation::Product(self.affine(convolution)));
                return stage;
            }
            _ => self.operand(source),
        };
        let products = vec![(operand, self.whole(convolution))];
        let bias = padded(convolution.bias());
        let head = Head { products, relu: convolution.relu, bias, ..empty(convolution.outputs()) };
        RowStage { rows: self.rows(source), head, operations: Vec::new() }
    }

    /// The gate that is the last thing applied to every term, where the rest of each term is at most one
    /// interpolation. `None` where the terms are of another form, which a stage cannot run.
    fn common_gate(&self, terms: &[Term]) -> Option<Option<usize>> {
        let is = |layer: &usize, wanted: fn(&Operation) -> bool| wanted(&self.architecture.layers()[*layer].operation);
        let gate_of =
            |term: &Term| term.after.last().copied().filter(|last| is(last, |o| matches!(o, Operation::Gate)));
        let gate = gate_of(terms.first()?);
        let fits = |term: &Term| {
            let rest = &term.after[..term.after.len() - usize::from(gate.is_some() && !term.after.is_empty())];
            gate_of(term) == gate
                && rest.len() <= 1
                && rest.iter().all(|inner| is(inner, |o| matches!(o, Operation::Interpolate { .. })))
        };
        terms.iter().all(fits).then_some(gate)
    }

    /// A product with one row per block goes to every row of a stage that has more.
    fn add_term(&mut self, head: &mut Head, rows: usize, source: Source, (operand, weight): (Operand, Multiplier)) {
        if self.rows(source) == rows {
            head.products.push((operand, weight));
            return;
        }
        let outputs = weight.outputs();
        let one = Head { products: vec![(operand, weight)], ..empty(outputs) };
        let stage = RowStage { rows: 1, head: one, operations: Vec::new() };
        head.whole_block.push(self.store(stage, outputs));
    }

    /// The factors of a gate, one per row.
    fn gate_factors(&mut self, gate: usize) -> ValueId {
        let source = self.architecture.sources(gate)[0];
        let mut parts = Vec::new();
        self.side_by_side(source, &mut parts);
        let rows = self.rows(source);
        let to = self.value(rows, 1);
        self.steps.push(Step::GateFactors { parts, channels: self.channels(source), to });
        to
    }

    /// What a source is made of, by way of concatenations and sums.
    fn side_by_side(&mut self, source: Source, parts: &mut Vec<(ValueId, usize, usize)>) {
        if let Source::Layer(layer) = source
            && self.done[layer].is_none()
            && matches!(self.architecture.layers()[layer].operation, Operation::Concatenate | Operation::Sum)
        {
            let sources = self.architecture.sources(layer).to_vec();
            return sources.into_iter().for_each(|source| self.side_by_side(source, parts));
        }
        let (channels, value) = (self.channels(source), self.value_of(source));
        match parts.iter_mut().find(|part| part.0 == value) {
            Some(part) => part.2 += 1,
            None => parts.push((value, channels, 1)),
        }
    }

    /// A product that copies `channels` columns to others, exactly.
    fn copy(&self, operand: Operand, channels: usize, to: Range<usize>, outputs: usize) -> (Operand, Multiplier) {
        let mut rows = vec![0.0; channels * outputs];
        for channel in 0..channels {
            rows[channel * outputs + to.start + channel] = 1.0;
        }
        (operand, Multiplier::Float(Weight::new(&rows, channels, outputs, self.from.kernels.panel())))
    }
}

/// Whether a layer's rows depend on single rows of other matrices, carried or not.
fn is_row_by_row(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::FeaturePropagation { .. }
            | Operation::DepthwisePointConvolution { .. }
            | Operation::Interpolate { .. }
            | Operation::Dense { .. }
            | Operation::Linear { .. }
            | Operation::Sum
            | Operation::Concatenate
            | Operation::Gate
    )
}

/// A head that gives zeros.
fn empty(channels: usize) -> Head {
    let stride = stride_of(channels);
    Head {
        stride,
        bias: Aligned::zeros(stride),
        whole_block: Vec::new(),
        carried: Vec::new(),
        products: Vec::new(),
        depthwise: None,
        gate: None,
        relu: false,
    }
}

/// One row, padded with zeros.
fn padded(row: &[f32]) -> Aligned {
    let mut padded = Aligned::zeros(stride_of(row.len()));
    padded.as_mut()[..row.len()].copy_from_slice(row);
    padded
}
