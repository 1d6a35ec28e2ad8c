//! How a matrix product moves inward: the cheapest exact form of "convolve what was concatenated,
//! summed, interpolated and gated".
//!
//! Concatenation, sum and interpolation are linear, and a gate is one factor per row, so a product with
//! them is a sum of products with what they read:
//!
//! ```text
//!  [a, b]·W = a·W_a + b·W_b     (a + b)·W = a·W + b·W     interpolate(a)·W = interpolate(a·W)
//!  gate(a)·W = sigmoid(mean a)·(a·W)
//! ```
//! That pays where the inner rows are fewer (a coarse level, or one row per block), and where the same
//! rows come twice: `[a, a + t]·W = a·(W_1 + W_2) + t·W_2`. Both the cost count and the ONNX writer ask
//! here, so that what is counted is what is written.

use std::ops::Range;

use super::architecture::{Architecture, Source};
use super::description::Operation;

/// One product of a sum of products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// What is multiplied.
    pub source: Source,
    /// Rows of the kernel that it is multiplied with; several equally long ranges are added first.
    pub rows: Vec<Range<usize>>,
    /// Layers (interpolations, gates) that are applied to the product, innermost first.
    pub after: Vec<usize>,
}

impl Architecture {
    /// The product of a dense or linear layer `index` with its kernel, in the cheapest exact form.
    pub(crate) fn product_of(&self, index: usize) -> Vec<Term> {
        let source = self.sources(index)[0];
        let width = self.extent_of(source).channels;
        let direct = vec![Term { source, rows: std::iter::once(0..width).collect(), after: Vec::new() }];
        let mut inward = Vec::new();
        self.expand(source, 0..width, &[], &mut inward);
        let cost = |terms: &[Term]| terms.iter().map(|term| self.multiplications(term)).sum::<usize>();
        if cost(&inward) < cost(&direct) { inward } else { direct }
    }

    /// Multiplications of a term per output channel.
    pub(super) fn multiplications(&self, term: &Term) -> usize {
        self.rows_of(self.extent_of(term.source)) * term.rows[0].len()
    }

    fn expand(&self, source: Source, rows: Range<usize>, after: &[usize], terms: &mut Vec<Term>) {
        if let Source::Layer(index) = source {
            let sources = self.sources(index);
            match &self.layers()[index].operation {
                Operation::Sum => {
                    return sources.iter().for_each(|&input| self.expand(input, rows.clone(), after, terms));
                }
                Operation::Concatenate => {
                    let mut start = rows.start;
                    for &input in sources {
                        let end = start + self.extent_of(input).channels;
                        self.expand(input, start..end, after, terms);
                        start = end;
                    }
                    return;
                }
                Operation::Interpolate { .. } | Operation::Gate => {
                    let after: Vec<usize> = std::iter::once(index).chain(after.iter().copied()).collect();
                    return self.expand(sources[0], rows, &after, terms);
                }
                _ => {}
            }
        }
        match terms.iter_mut().find(|term| term.source == source && term.after == after) {
            Some(same) => same.rows.push(rows),
            None => terms.push(Term { source, rows: vec![rows], after: after.to_vec() }),
        }
    }
}
