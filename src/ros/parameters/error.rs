//! Why a parameter is not what was wanted.

use super::ParameterType;

/// Why a parameter was not declared, read or set. The text is what `ros2 param set` prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// There is no such parameter.
    #[error("{name}: no such parameter{}{}", hint(.nearest), origin(.from))]
    Unknown {
        /// The name.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
        /// Where it was said: a file and line, or empty.
        from: String,
    },
    /// A value of another type.
    #[error("{name}: expected a value of type {expected}, found {actual}")]
    Type {
        /// The parameter.
        name: String,
        /// Its type.
        expected: ParameterType,
        /// That of the value.
        actual: ParameterType,
    },
    /// A value that the parameter may not have.
    #[error("{name}: expected {expected}, found {actual}")]
    Range {
        /// The parameter.
        name: String,
        /// What it may be.
        expected: String,
        /// The value.
        actual: String,
    },
    /// It is read when the node is configured, which it is.
    #[error("{name} is read when the node is configured: lead it to `unconfigured` first (cleanup), or restart it")]
    Configured {
        /// The parameter.
        name: String,
    },
    /// The node did not want it.
    #[error("refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Two descriptions of one name.
    #[error("{name} is declared twice")]
    DeclaredTwice {
        /// The parameter.
        name: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean {name}?")).unwrap_or_default()
}

fn origin(from: &str) -> String {
    if from.is_empty() { String::new() } else { format!(" (in {from})") }
}
