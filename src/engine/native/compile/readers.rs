//! Who reads whom: a layer that is read once need not be kept.

use crate::network::{Architecture, Operation, Source};

/// For each layer the number of layers that want its rows, by way of concatenations, sums, interpolations and
/// gates, too (a product moves inward through those and reads what they read).
pub(super) fn count_readers(architecture: &Architecture) -> Vec<usize> {
    let layers = architecture.layers();
    let mut readers = vec![0; layers.len()];
    for output in [architecture.logits(), architecture.embeddings()] {
        readers[output] += 1;
    }
    // A layer only reads earlier ones, so those that read it were all counted before.
    for index in (0..layers.len()).rev() {
        let through = match layers[index].operation {
            Operation::Concatenate | Operation::Sum | Operation::Interpolate { .. } => readers[index],
            // Its mean reads the rows a second time.
            Operation::Gate => readers[index] + 1,
            _ => readers[index].min(1),
        };
        for &source in architecture.sources(index) {
            if let Source::Layer(read) = source {
                readers[read] += through;
            }
        }
    }
    readers
}
