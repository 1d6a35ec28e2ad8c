//! The right side of a product, laid out as the kernels read it.

use super::{Aligned, LANES, stride_of};

/// `depth × outputs` weights in panels: of a panel's outputs, the weights of one depth lie side by side, and
/// the depths follow each other, so that a kernel reads straight on.
///
/// Outputs are padded with zeros to a multiple of [`LANES`]; the last panel may be narrower than the others.
#[derive(Debug)]
pub struct Weight {
    depth: usize,
    outputs: usize,
    panel: usize,
    values: Aligned,
}

impl Weight {
    /// Lays out `depth × outputs` row-major weights in panels of `panel` outputs.
    pub fn new(rows: &[f32], depth: usize, outputs: usize, panel: usize) -> Self {
        assert_eq!(rows.len(), depth * outputs, "a weight for every input and output");
        let padded = stride_of(outputs);
        let mut values = Vec::with_capacity(depth * padded);
        for start in (0..padded).step_by(panel) {
            let width = panel.min(padded - start);
            for row in rows.chunks_exact(outputs.max(1)) {
                values.extend((start..start + width).map(|output| row.get(output).copied().unwrap_or(0.0)));
            }
        }
        Self { depth, outputs: padded, panel, values: Aligned::of(&values) }
    }

    /// What a kernel reads.
    pub fn panels(&self) -> Panels<'_> {
        let Self { depth, outputs, panel, values } = self;
        Panels { values: values.as_ref(), depth: *depth, outputs: *outputs, row: None, panel: *panel }
    }

    /// Inputs of the product.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Outputs, padding included.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// Weights as a kernel reads them.
#[derive(Clone, Copy)]
pub struct Panels<'a> {
    /// The weights.
    pub values: &'a [f32],
    /// Inputs of the product.
    pub depth: usize,
    /// Outputs, a multiple of [`LANES`].
    pub outputs: usize,
    /// Values from one depth to the next for plain row-major weights; `None` for weights in panels.
    row: Option<usize>,
    /// Outputs of a panel.
    panel: usize,
}

impl<'a> Panels<'a> {
    /// Row-major weights: `depth` rows of `stride` values. For weights that were just computed.
    pub fn row_major(values: &'a [f32], depth: usize, stride: usize, panel: usize) -> Self {
        Self { values, depth, outputs: stride, row: Some(stride), panel }
    }

    /// Where the panel of outputs from `start` on begins, and how far its depths are apart.
    #[inline(always)]
    pub fn panel(&self, start: usize) -> (usize, usize) {
        match self.row {
            Some(row) => (start, row),
            None => (start * self.depth, self.panel.min(self.outputs - start)),
        }
    }

    /// Panics where a kernel of this panel width would read beyond the values.
    pub fn check(&self, panel: usize) {
        assert_eq!(self.panel, panel, "weights laid out for another instruction set");
        assert!(self.outputs.is_multiple_of(LANES) && self.values.len() >= self.depth * self.outputs);
    }
}
