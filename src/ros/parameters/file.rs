//! Parameter files in the ROS form.
//!
//! ```yaml
//! /**:                        # any node
//!   ros__parameters:
//!     use_sim_time: true
//! /robot/eye:                 # this one; also `eye:`, or `/robot:` with `eye:` below it
//!   ros__parameters:
//!     tf:
//!       timeout: 0.1          # the parameter `tf.timeout`
//! ```

use super::yaml::{Node, parse};
use super::{NodePattern, ParameterValue, YamlError};
use crate::ros::names::NodeName;
use std::fmt;
use std::path::{Path, PathBuf};

/// The key below which a node's parameters stand.
const PARAMETERS: &str = "ros__parameters";

/// Why a parameter file was not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterFileError {
    /// It could not be read.
    #[error("{}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// It is no parameter file.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        reason: YamlError,
    },
}

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `-p name:=value`.
    CommandLine,
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => formatter.write_str("the command line"),
            Self::File { path, line } => write!(formatter, "{}, line {line}", path.display()),
        }
    }
}

/// A value that was said outside of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// For which nodes.
    pub node: NodePattern,
    /// Which parameter.
    pub name: String,
    /// The value.
    pub value: ParameterValue,
    /// Where it was said.
    pub origin: Origin,
}

impl Override {
    /// Reads all values of a file, in its order.
    ///
    /// # Errors
    /// [`ParameterFileError`].
    pub fn read_file(path: &Path) -> Result<Vec<Self>, ParameterFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ParameterFileError::Read { path: path.to_owned(), reason })?;
        Self::read(&text, path).map_err(|reason| ParameterFileError::Content { path: path.to_owned(), reason })
    }

    /// Reads all values of a file's text; `path` is for messages only.
    ///
    /// # Errors
    /// [`YamlError`] for what is no YAML of rcl's kind, values outside of any `ros__parameters`, and names that are
    /// none.
    pub fn read(text: &str, path: &Path) -> Result<Vec<Self>, YamlError> {
        let mut overrides = Vec::new();
        match parse(text)? {
            None => {}
            Some(Node::Mapping(entries)) => read_nodes("", &entries, path, &mut overrides)?,
            Some(Node::Value(value)) => {
                return Err(YamlError { line: 1, reason: format!("expected the name of a node, found {value}") });
            }
        }
        Ok(overrides)
    }

    /// Whether it can only have been meant for the one node that it fits: if that node does not know the parameter,
    /// someone is mistaken.
    pub fn is_meant_for_one(&self) -> bool {
        self.origin == Origin::CommandLine || !self.node.has_wildcard()
    }
}

/// Those for this node, in their order: the last of each name holds.
pub fn overrides_of(overrides: &[Override], node: &NodeName) -> Vec<Override> {
    overrides.iter().filter(|one| one.node.fits(node)).cloned().collect()
}

type Entries = [(String, usize, Node)];

fn read_nodes(outer: &str, entries: &Entries, path: &Path, out: &mut Vec<Override>) -> Result<(), YamlError> {
    for (key, line, node) in entries {
        let refuse = |reason: String| Err(YamlError { line: *line, reason });
        let Node::Mapping(inner) = node else {
            return refuse(format!("{key} must stand below the name of a node and {PARAMETERS}"));
        };
        if key != PARAMETERS {
            let name = if outer.is_empty() { key.clone() } else { format!("{outer}/{}", key.trim_start_matches('/')) };
            read_nodes(&name, inner, path, out)?;
        } else if outer.is_empty() {
            return refuse(format!("expected the name of a node in front of {PARAMETERS}"));
        } else {
            match NodePattern::parse(outer) {
                Ok(pattern) => read_parameters(&pattern, "", inner, path, out),
                Err(error) => return refuse(error.to_string()),
            }
        }
    }
    Ok(())
}

fn read_parameters(pattern: &NodePattern, outer: &str, entries: &Entries, path: &Path, out: &mut Vec<Override>) {
    for (key, line, node) in entries {
        let name = if outer.is_empty() { key.clone() } else { format!("{outer}.{key}") };
        match node {
            Node::Mapping(inner) => read_parameters(pattern, &name, inner, path, out),
            Node::Value(value) => out.push(Override {
                node: pattern.clone(),
                name,
                value: value.clone(),
                origin: Origin::File { path: path.to_owned(), line: *line },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Override>, YamlError> {
        Override::read(text, Path::new("p.yaml"))
    }

    #[test]
    fn sections_are_for_the_nodes_that_they_name() {
        let text = "\
/**:
  ros__parameters:
    use_sim_time: true
    tf: {timeout: 0.5}
/robot:
  eye:
    ros__parameters:
      tf.timeout: 0.25
      output:
        voxel:
          size: 0.1
ear:
  ros__parameters: {a: 1}
";
        let overrides = read(text).unwrap();
        let of = |namespace, name| -> Vec<String> {
            let node = NodeName::new(namespace, name).unwrap();
            overrides_of(&overrides, &node).iter().map(|one| format!("{}={}", one.name, one.value)).collect()
        };
        let all = ["use_sim_time=true", "tf.timeout=0.5"];
        assert_eq!(of("/robot", "eye")[..2], all);
        assert_eq!(of("/robot", "eye")[2..], ["tf.timeout=0.25", "output.voxel.size=0.1"]);
        assert_eq!(of("/", "eye"), all);
        assert_eq!(of("/", "ear")[2..], ["a=1"]);
        assert_eq!(of("/robot", "ear"), all);
        assert!(!overrides[0].is_meant_for_one() && overrides[2].is_meant_for_one());
        assert_eq!(overrides[2].origin.to_string(), "p.yaml, line 8");
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_no_parameter_file_says_where() {
        let message = |text| read(text).unwrap_err().to_string();
        assert_eq!(message("5"), "line 1: expected the name of a node, found 5");
        assert_eq!(message("\na: 5"), "line 2: a must stand below the name of a node and ros__parameters");
        assert!(message("ros__parameters: {a: 1}").contains("expected the name of a node"));
        assert!(message("a b:\n  ros__parameters: {a: 1}").contains("a character that names cannot have"));
        assert!(message("a:\n  ros__parameters: 5").contains("must stand below"));
        assert!(message("a: [").starts_with("line "));
    }
}
