//! 8-bit weights as the kernels read them.

use super::super::kernels::{Aligned, stride_of};
use super::{DEPTHS, IntegerKernels};

/// `depth × outputs` weights in panels: of a panel's outputs, four depths of each lie side by side, and fours of depths
/// follow each other. Depth is padded to a multiple of four, outputs to a multiple of the vector, with zeros.
#[derive(Debug)]
pub struct IntegerWeight {
    depth: usize,
    outputs: usize,
    panel: usize,
    offset: u8,
    values: Aligned<i8>,
    /// What each sum starts with: takes back what the offset of the steps adds.
    start: Aligned<i32>,
    /// What a sum is multiplied with.
    scale: Aligned<f32>,
    /// What an input is multiplied with to be in steps, padded with zeros to a multiple of the vector.
    input_factor: Aligned<f32>,
}

/// 8-bit weights, row by input.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// `inputs × outputs`.
    pub values: &'a [i8],
    /// What a step of each output's weights stands for.
    pub scale: &'a [f32],
    /// What a step of the input stands for.
    pub input_scale: f32,
    /// What the input is multiplied with first, channel by channel.
    pub input_factor: Option<&'a [f32]>,
}

impl IntegerWeight {
    /// Lays out weights for kernels. `None` where a weight is −128, whose negative is no byte, or where there are so
    /// many that a sum may not fit 32 bits.
    pub fn new(rows: Rows<'_>, kernels: &IntegerKernels) -> Option<Self> {
        let (Rows { values, scale, input_scale, input_factor }, panel) = (rows, kernels.panel());
        let outputs = scale.len();
        let inputs = values.len() / outputs.max(1);
        // 255 · 127 · depth must stay below 2³¹.
        if values.contains(&i8::MIN) || inputs > 65_536 {
            return None;
        }
        let (depth, padded) = (inputs.next_multiple_of(DEPTHS), stride_of(outputs));
        let weight = |input: usize, output: usize| {
            if input < inputs && output < outputs { values[input * outputs + output] } else { 0 }
        };
        let mut laid_out = Vec::with_capacity(depth * padded);
        for first in (0..padded).step_by(panel) {
            let panel = first..(first + panel).min(padded);
            for four in (0..depth).step_by(DEPTHS) {
                for output in panel.clone() {
                    laid_out.extend((four..four + DEPTHS).map(|input| weight(input, output)));
                }
            }
        }
        let offset = i32::from(kernels.offset());
        let sum = |output| -> i32 { (0..inputs).map(|input| i32::from(weight(input, output))).sum() };
        let start: Vec<i32> = (0..padded).map(|output| -offset * sum(output)).collect();
        let mut scales = Aligned::zeros(padded);
        scales.as_mut().iter_mut().zip(scale).for_each(|(to, scale)| *to = scale * input_scale);
        let mut factors = Aligned::zeros(stride_of(inputs));
        for (input, to) in factors.as_mut()[..inputs].iter_mut().enumerate() {
            *to = input_factor.map_or(1.0, |factors| factors[input]) / input_scale;
        }
        Some(Self {
            depth,
            outputs: padded,
            panel,
            offset: kernels.offset(),
            values: Aligned::of(&laid_out),
            start: Aligned::of(&start),
            scale: scales,
            input_factor: factors,
        })
    }

    /// Inputs of the product, padded to a multiple of four.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Outputs, padding included.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// What an input is multiplied with to be in steps: as many as its row has values, padding included.
    pub fn input_factor(&self) -> &[f32] {
        self.input_factor.as_ref()
    }

    /// The weights of the panel of outputs from `first` on.
    pub(super) fn panel(&self, first: usize) -> &[i8] {
        &self.values.as_ref()[first * self.depth..]
    }

    /// Outputs of the panel from `first` on.
    pub(super) fn width(&self, first: usize) -> usize {
        self.panel.min(self.outputs - first)
    }

    /// What the sums start with.
    pub(super) fn start(&self) -> &[i32] {
        self.start.as_ref()
    }

    /// What the sums are multiplied with.
    pub(super) fn scale(&self) -> &[f32] {
        self.scale.as_ref()
    }

    /// Panics where kernels of another layout would read these weights.
    pub(super) fn check(&self, panel: usize, offset: u8) {
        assert_eq!((self.panel, self.offset), (panel, offset), "weights laid out for another instruction set");
    }
}
