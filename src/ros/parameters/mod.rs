//! Parameters: what can be set of a node, from a file, from the command line, or by `ros2 param` while it runs.
//!
//! A node *describes* its parameters ([`ParameterDescription`]), makes a [`ParameterStore`] of the descriptions and of
//! what files and the command line say ([`Override`]), and has it served ([`ParameterServices`]). Differences to
//! `rclcpp`, all on purpose: a whole number is taken where a real one is declared, and an empty list where any list is;
//! an unknown name that was meant for this node is an error that names the nearest known one, not silence.
//!
//! ```
//! use instanton::ros::parameters::{ParameterDescription, ParameterStore, ParameterValue};
//!
//! let store = ParameterStore::new(
//!     vec![ParameterDescription::new("deadline", 0.1, "Longest time for a frame, in seconds.").between(0.001, 10.0)],
//!     vec![],
//! )?;
//! store.set(&[("deadline", ParameterValue::Double(0.05))])?;
//! assert_eq!(store.value::<f64>("deadline")?, 0.05);
//! let refused = store.set(&[("deadline", ParameterValue::Double(60.0))]).unwrap_err();
//! assert_eq!(refused.to_string(), "deadline: expected 0.001 to 10, found 60");
//! # Ok::<(), instanton::ros::parameters::ParameterError>(())
//! ```

mod description;
mod error;
mod file;
mod node_pattern;
mod schema;
mod services;
mod store;
mod value;
mod yaml;

pub use description::{Constraint, ParameterDescription};
pub use error::ParameterError;
pub use file::{Origin, Override, ParameterFileError, overrides_of};
pub use node_pattern::NodePattern;
pub use schema::{schema_markdown, schema_yaml};
pub use services::ParameterServices;
pub use store::{AfterChange, OnChange, ParameterChange, ParameterStore};
pub use value::{FromParameter, ParameterType, ParameterValue};
pub use yaml::{YamlError, parse_value};

/// Whether the node goes by `/clock` instead of the machine's clock: every ROS node has this parameter.
pub const USE_SIM_TIME: &str = "use_sim_time";

/// The description of [`USE_SIM_TIME`].
pub fn use_sim_time() -> ParameterDescription {
    ParameterDescription::new(USE_SIM_TIME, false, "Go by the time of /clock, of a simulation or a bag.")
}
