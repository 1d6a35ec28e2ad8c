//! From embeddings to instances: mean-shift, instance class, block merging.
//!
//! ```text
//!  embeddings ─► mean-shift ─► [fringe] ─► class of each cluster ─► merge with what the map remembers
//!  one block     clusters      live only   mode of the points       reference: 201³ volume | live: registry
//! ```
//!
//! * [`MeanShift`] answers what scikit-learn's `MeanShift(bandwidth, bin_seeding)` answers;
//!   [`mean_shift_plain`] is its oracle.
//! * [`absorb_fringe`](Fringe::absorb) gives the points of tiny clusters to a near large one.
//! * [`ClassVote`] names the class of a cluster.
//! * [`ReferenceMerger`] and [`filter_small_instances`] are the seeds' test code with all its quirks;
//!   [`LiveMerger`] with its [`InstanceRegistry`] is the same method without them.

mod fringe;
mod instance_class;
mod instance_registry;
mod mean_shift;
mod merge_live;
mod merge_reference;
mod reference_filter;

pub use fringe::Fringe;
pub use instance_class::ClassVote;
pub use instance_registry::InstanceRegistry;
pub use mean_shift::{Clusters, MeanShift, MeanShiftError, NO_CLUSTER, mean_shift_plain};
pub use merge_live::{LiveMergeError, LiveMergeRules, LiveMerger};
pub use merge_reference::{ReferenceMergeError, ReferenceMerger, RoomPoints};
pub use reference_filter::{LabelStorage, SMALL_INSTANCE_FRACTION, filter_small_instances};
