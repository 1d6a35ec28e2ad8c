//! Remap rules: other names for what a node calls by its own (design page "Remapping Names").

use super::arguments::ArgumentError;
use super::names::{NameError, NodeName, check_namespace, check_node_name};

/// What a rule renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    TopicOrService,
    Topic,
    Service,
    Node,
    Namespace,
}

/// What kind of name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A topic.
    Topic,
    /// A service.
    Service,
}

/// One rule, such as `points:=/camera/points`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemapRule {
    /// Only for the node of this name.
    node: Option<String>,
    subject: Subject,
    from: String,
    to: String,
}

impl RemapRule {
    /// Reads `[node:]from:=to`, where `from` may be `__node`, `__ns` or begin with `rostopic://` or `rosservice://`.
    ///
    /// # Errors
    /// [`ArgumentError::Remap`]. Wildcards are refused, as by rcl, which reserves them.
    pub fn parse(rule: &str) -> Result<Self, ArgumentError> {
        let refuse = |reason: String| ArgumentError::Remap { rule: rule.to_owned(), reason };
        let (left, to) = rule.split_once(":=").ok_or_else(|| refuse("expected from:=to".into()))?;
        let (node, left) = match left.split_once(':') {
            Some((node, rest)) if !rest.starts_with("//") => (Some(node.to_owned()), rest),
            _ => (None, left),
        };
        if let Some(node) = &node {
            check_node_name(node).map_err(|error| refuse(error.to_string()))?;
        }
        let (subject, from) = match left {
            "__node" | "__name" => (Subject::Node, ""),
            "__ns" => (Subject::Namespace, ""),
            _ => {
                if let Some(topic) = left.strip_prefix("rostopic://") {
                    (Subject::Topic, topic)
                } else if let Some(service) = left.strip_prefix("rosservice://") {
                    (Subject::Service, service)
                } else {
                    (Subject::TopicOrService, left)
                }
            }
        };
        let checked = match subject {
            Subject::Node => check_node_name(to),
            Subject::Namespace => check_namespace(to),
            // Of which node does not matter for whether they are names.
            _ => NodeName::new("/", "node").and_then(|node| {
                node.expand(from)?;
                node.expand(to).map(drop)
            }),
        };
        checked.map_err(|error| refuse(error.to_string()))?;
        Ok(Self { node, subject, from: from.to_owned(), to: to.to_owned() })
    }

    fn is_for(&self, node: &str) -> bool {
        self.node.as_deref().is_none_or(|name| name == node)
    }
}

/// The name that a node gets: the first rule for its name and the first for its namespace hold. As in rcl, rules
/// for one node only, but for `__node`, go by its new name.
///
/// # Errors
/// [`NameError`] if `namespace` or `name` are none.
pub fn remap_node(rules: &[RemapRule], namespace: &str, name: &str) -> Result<NodeName, NameError> {
    let first = |subject, name: &str| {
        rules.iter().find(|rule| rule.subject == subject && rule.is_for(name)).map(|rule| rule.to.clone())
    };
    let name = first(Subject::Node, name).unwrap_or_else(|| name.to_owned());
    let namespace = first(Subject::Namespace, &name).unwrap_or_else(|| namespace.to_owned());
    NodeName::new(&namespace, &name)
}

/// The whole name that a topic or service of `node` gets: the first rule that fits holds, once.
///
/// # Errors
/// [`NameError`] if `name` is none, or a rule makes none of it.
pub fn remap(rules: &[RemapRule], node: &NodeName, kind: NameKind, name: &str) -> Result<String, NameError> {
    let whole = node.expand(name)?;
    for rule in rules.iter().filter(|rule| rule.is_for(node.name())) {
        let meant = match rule.subject {
            Subject::TopicOrService => true,
            Subject::Topic => kind == NameKind::Topic,
            Subject::Service => kind == NameKind::Service,
            Subject::Node | Subject::Namespace => false,
        };
        if meant && node.expand(&rule.from)? == whole {
            return node.expand(&rule.to);
        }
    }
    Ok(whole)
}
