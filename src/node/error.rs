//! Why a node does not run.

use crate::config::ConfigError;
use crate::network::{ModelError, NoModel};
use crate::pipeline::PipelineError;
use crate::ros::MiddlewareError;
use crate::ros::lifecycle::TransitionRefused;
use crate::ros::parameters::ParameterError;

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// No model folder.
    #[error(transparent)]
    NoModel(#[from] NoModel),
    /// The model folder.
    #[error("the model")]
    Model(#[from] ModelError),
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A class that the model does not know.
    #[error("{parameter}: the model has no class {name:?}; it has {known}")]
    Class {
        /// The parameter that names it.
        parameter: &'static str,
        /// Its name.
        name: String,
        /// Those that the model has.
        known: String,
    },
    /// The engine or the threads refuse.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The middleware refuses.
    #[error(transparent)]
    Middleware(#[from] MiddlewareError),
    /// The node is led by someone else.
    #[error(transparent)]
    Transition(#[from] TransitionRefused),
    /// A transition failed, and the log says why.
    #[error("the node could not be led to the state active")]
    NotActive,
}
