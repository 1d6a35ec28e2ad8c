//! From embeddings to instances: mean-shift, instance class, block merging.
//!
//! ```text
//!  embeddings ─► mean-shift ─► [fringe] ─► class of each cluster ─► merge with what the map remembers
//!  one block     clusters      live only   mode of the points       reference: 201³ volume | live: registry
//! ```
//!
//! * [`MeanShift`] answers what scikit-learn's `MeanShift(bandwidth, bin_seeding)` answers, within a
//!   budget if asked to; [`mean_shift_plain`] is its oracle.
//! * [`Fringe`] gives the points of tiny clusters to a near large one.
//! * [`ClassVote`] names the class of a cluster.
//! * [`ReferenceMerger`] and [`filter_small_instances`] are the seeds' test code with all its quirks;
//!   [`LiveMerger`] with its [`InstanceRegistry`] is the same method without them.

pub mod fringe;
mod instance_class;
pub mod instance_registry;
pub mod mean_shift;
pub mod merge_live;
pub mod merge_reference;
pub mod reference_filter;

pub use fringe::Fringe;
pub use instance_class::ClassVote;
pub use instance_registry::InstanceRegistry;
pub use mean_shift::{Clusters, DEFAULT_BUDGET, MeanShift, MeanShiftError, NO_CLUSTER, mean_shift_plain};
pub use merge_live::{LiveMergeError, LiveMergeRules, LiveMerger};
pub use merge_reference::{ReferenceMergeError, ReferenceMerger, RoomPoints};
pub use reference_filter::{LabelStorage, SMALL_INSTANCE_FRACTION, filter_small_instances};
