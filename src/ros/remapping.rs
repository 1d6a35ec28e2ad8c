//! Remap rules: other names for what a node calls by its own (design page "Remapping Names").

use std::sync::Arc;

use super::arguments::ArgumentError;
use super::names::{NameError, NodeName, check_namespace, check_node_name};
use super::{
    MessageType, Middleware, MiddlewareError, OnMessage, OnRequest, Publisher, Qos, Service, ServiceType, Subscription,
};

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

/// A middleware on which the topics and services of a node have the names that the rules give them: what is asked for by
/// its own name is there by its new one.
pub struct Remapped {
    inner: Arc<dyn Middleware>,
    rules: Vec<RemapRule>,
    node: NodeName,
}

impl Remapped {
    /// What `node` asks of `inner`, by `rules`.
    pub fn new(inner: Arc<dyn Middleware>, rules: &[RemapRule], node: &NodeName) -> Self {
        Self { inner, rules: rules.to_vec(), node: node.clone() }
    }

    fn renamed(&self, what: NameKind, name: &str, kind: &str) -> Result<String, MiddlewareError> {
        remap(&self.rules, &self.node, what, name).map_err(|error| MiddlewareError::Create {
            name: name.to_owned(),
            kind: kind.to_owned(),
            reason: error.to_string(),
        })
    }
}

impl Middleware for Remapped {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn topic_name(&self, topic: &str) -> String {
        remap(&self.rules, &self.node, NameKind::Topic, topic).unwrap_or_else(|_| topic.to_owned())
    }

    fn publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<Box<dyn Publisher>, MiddlewareError> {
        self.inner.publish(&self.renamed(NameKind::Topic, topic, message.name)?, message, qos)
    }

    fn subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError> {
        self.inner.subscribe(&self.renamed(NameKind::Topic, topic, message.name)?, message, qos, on_message)
    }

    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError> {
        self.inner.serve(&self.renamed(NameKind::Service, name, service.name)?, service, on_request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LocalBus, Message, PointCloud2View, TfMessage};
    use super::*;

    #[test]
    fn all_names_of_a_node_are_remapped_once() {
        let rules: Vec<RemapRule> = ["/tf:=tf", "/a:=/b", "/b:=/c", "~/labelled:=/labels", "other:/x:=/y"]
            .map(|rule| RemapRule::parse(rule).expect("a rule"))
            .to_vec();
        let bus = LocalBus::new();
        let node = NodeName::new("/robot", "eye").expect("a name");
        let remapped = Remapped::new(Arc::new(bus.node("eye")), &rules, &node);
        let peer = bus.node("peer");
        for (own, real) in [("/tf", "/robot/tf"), ("/a", "/b"), ("/robot/eye/labelled", "/labels"), ("/x", "/x")] {
            assert_eq!(remapped.topic_name(own), real);
            let publisher = remapped.publish(own, PointCloud2View::TYPE, Qos::DEFAULT).expect("a name");
            let subscription = peer.subscribe(real, PointCloud2View::TYPE, Qos::DEFAULT, Box::new(|_| {}));
            assert_eq!((publisher.subscriptions(), subscription.expect("a name").publishers()), (1, 1), "{own}");
        }
        let heard = remapped.subscribe("/tf", TfMessage::TYPE, Qos::DEFAULT, Box::new(|_| {})).expect("a name");
        let _publisher = peer.publish("/robot/tf", TfMessage::TYPE, Qos::DEFAULT).expect("a name");
        assert_eq!(heard.publishers(), 1);
        let service = ServiceType { name: "std_srvs/srv/Empty", hash: "" };
        let _service = remapped
            .serve(
                "/b",
                service,
                Box::new(|_, out| {
                    out.push(1);
                    Ok(())
                }),
            )
            .expect("a name");
        assert!(bus.call("/c", &[], std::time::Duration::from_secs(20)).is_some());
    }
}
