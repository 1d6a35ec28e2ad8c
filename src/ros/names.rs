//! Names of nodes, topics and services: what may be one, and how a short one becomes whole.
//!
//! The rules are those of the design page "Topic and Service name mapping to DDS" as `rcl_validate_topic_name`,
//! `rmw_validate_namespace` and `rmw_validate_node_name` enforce them.

/// Longest whole name that DDS can carry once ROS has put its prefix in front (`RMW_TOPIC_MAX_NAME_LENGTH`).
const LONGEST_NAME: usize = 255 - 8;
/// `RMW_NAMESPACE_MAX_LENGTH`.
const LONGEST_NAMESPACE: usize = LONGEST_NAME - 2;
/// `RMW_NODE_NAME_MAX_NAME_LENGTH`.
const LONGEST_NODE: usize = 255;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name:?}: {reason}, at character {at}")]
pub struct NameError {
    /// What it should have been the name of.
    pub kind: &'static str,
    /// The text.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
    /// Where, in bytes.
    pub at: usize,
}

fn wrong<T>(kind: &'static str, name: &str, reason: &'static str, at: usize) -> Result<T, NameError> {
    Err(NameError { kind, name: name.to_owned(), reason, at })
}

/// Checks letters, digits and underscores, and that no token begins with a digit; `extra` characters are allowed too.
fn check_tokens(kind: &'static str, name: &str, extra: &[char]) -> Result<(), NameError> {
    if name.is_empty() {
        return wrong(kind, name, "must not be empty", 0);
    }
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || extra.contains(&letter);
    if let Some((at, _)) = name.char_indices().find(|(_, letter)| !allowed(*letter)) {
        return wrong(kind, name, "holds a character that names cannot have", at);
    }
    let mut before = '/';
    for (at, letter) in name.char_indices() {
        if before == '/' && letter.is_ascii_digit() {
            return wrong(kind, name, "a part must not begin with a digit", at);
        }
        before = letter;
    }
    Ok(())
}

fn check_slashes(kind: &'static str, name: &str, longest: usize) -> Result<(), NameError> {
    if name.len() > 1 && name.ends_with('/') {
        return wrong(kind, name, "must not end with a slash", name.len() - 1);
    }
    if let Some(at) = name.find("//") {
        return wrong(kind, name, "must not have two slashes in a row", at);
    }
    if name.len() > longest {
        return wrong(kind, name, "is too long", longest);
    }
    Ok(())
}

/// Checks the name of a node: letters, digits, underscores, no slash.
///
/// # Errors
/// [`NameError`].
pub fn check_node_name(name: &str) -> Result<(), NameError> {
    const KIND: &str = "node name";
    check_tokens(KIND, name, &[])?;
    if name.len() > LONGEST_NODE {
        return wrong(KIND, name, "is too long", LONGEST_NODE);
    }
    Ok(())
}

/// Checks a whole namespace, such as `/` or `/robot`.
///
/// # Errors
/// [`NameError`].
pub fn check_namespace(name: &str) -> Result<(), NameError> {
    check_whole("namespace", name, LONGEST_NAMESPACE)
}

/// Checks the whole name of a topic or service, such as `/camera/points`.
///
/// # Errors
/// [`NameError`].
pub fn check_whole_name(name: &str) -> Result<(), NameError> {
    const KIND: &str = "topic or service";
    if name == "/" {
        return wrong(KIND, name, "must not end with a slash", 0);
    }
    check_whole(KIND, name, LONGEST_NAME)
}

fn check_whole(kind: &'static str, name: &str, longest: usize) -> Result<(), NameError> {
    check_tokens(kind, name, &['/'])?;
    if !name.starts_with('/') {
        return wrong(kind, name, "must begin with a slash", 0);
    }
    check_slashes(kind, name, longest)
}

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName {
    namespace: String,
    name: String,
}

impl NodeName {
    /// A node in a namespace; a namespace without its slash in front gets it, an empty one is `/`.
    ///
    /// # Errors
    /// [`NameError`] if either is none.
    pub fn new(namespace: &str, name: &str) -> Result<Self, NameError> {
        let namespace = if namespace.starts_with('/') { namespace.to_owned() } else { format!("/{namespace}") };
        check_namespace(&namespace)?;
        check_node_name(name)?;
        Ok(Self { namespace, name: name.to_owned() })
    }

    /// Its namespace, such as `/` or `/robot`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its own name, such as `instanton`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its whole name, such as `/robot/instanton`.
    pub fn whole(&self) -> String {
        join(&self.namespace, &self.name)
    }

    /// Its whole name as loggers are called: `robot.instanton`.
    pub fn logger(&self) -> String {
        self.whole()[1..].replace('/', ".")
    }

    /// Makes a name whole, before remapping: `points` → `/robot/points`, `~/points` → `/robot/instanton/points`,
    /// `{node}` and `{ns}` (or `{namespace}`) filled in.
    ///
    /// # Errors
    /// [`NameError`] if it is none.
    pub fn expand(&self, name: &str) -> Result<String, NameError> {
        const KIND: &str = "topic or service";
        check_tokens(KIND, name, &['/', '~', '{', '}'])?;
        if let Some(at) = name.rfind('~').filter(|at| *at > 0) {
            return wrong(KIND, name, "may have a tilde at its beginning only", at);
        }
        let filled = match name.strip_prefix('~') {
            None => name.to_owned(),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", self.whole()),
            Some(_) => return wrong(KIND, name, "must have a slash behind its tilde", 1),
        };
        // A namespace brings its own slash, wherever it is put.
        let filled = filled.replace("{node}", &self.name);
        let filled = filled.replace("{ns}", &self.namespace).replace("{namespace}", &self.namespace);
        if let Some(at) = filled.find(['{', '}']) {
            return wrong(KIND, &filled, "holds braces around something other than node, ns or namespace", at);
        }
        let whole = if filled.starts_with('/') { filled } else { join(&self.namespace, &filled) };
        check_whole_name(&whole)?;
        Ok(whole)
    }
}

fn join(namespace: &str, name: &str) -> String {
    if namespace == "/" { format!("/{name}") } else { format!("{namespace}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_whole_as_the_design_says() {
        // The table of "Topic and Service name mapping to DDS", section "Examples".
        let table = [
            ("/", "my_node", "ping", "/ping"),
            ("/my_ns", "my_node", "ping", "/my_ns/ping"),
            ("/", "my_node", "/ping", "/ping"),
            ("/my_ns", "my_node", "/ping", "/ping"),
            ("/", "my_node", "~/ping", "/my_node/ping"),
            ("/my_ns", "my_node", "~/ping", "/my_ns/my_node/ping"),
            ("/my_ns", "my_node", "~", "/my_ns/my_node"),
            ("my_ns", "my_node", "{node}/ping", "/my_ns/my_node/ping"),
            ("/my_ns", "my_node", "{ns}/ping", "/my_ns/ping"),
            ("/my_ns", "my_node", "{namespace}/ping", "/my_ns/ping"),
        ];
        for (namespace, node, name, whole) in table {
            assert_eq!(NodeName::new(namespace, node).unwrap().expand(name).as_deref(), Ok(whole), "{name}");
        }
        let node = NodeName::new("", "instanton").unwrap();
        assert_eq!((node.namespace(), node.whole().as_str()), ("/", "/instanton"));
        assert_eq!(NodeName::new("/a/b", "c").unwrap().logger(), "a.b.c");
    }

    #[test]
    fn what_is_no_name_says_why_and_where() {
        let node = NodeName::new("/", "node").unwrap();
        let cases = [
            ("", "must not be empty", 0),
            ("with space", "holds a character that names cannot have", 4),
            ("a/1b", "a part must not begin with a digit", 2),
            ("a~", "may have a tilde at its beginning only", 1),
            ("~a", "must have a slash behind its tilde", 1),
            ("/a//b", "must not have two slashes in a row", 2),
            ("a/", "must not end with a slash", 2),
            ("{nose}/a", "holds braces around something other than node, ns or namespace", 0),
            ("größe", "holds a character that names cannot have", 2),
        ];
        for (name, reason, at) in cases {
            let error = node.expand(name).unwrap_err();
            assert_eq!((error.reason, error.at), (reason, at), "{name}");
        }
        assert!(node.expand(&"a".repeat(246)).is_ok());
        assert!(node.expand(&"a".repeat(247)).is_err());
        assert!(check_node_name("a/b").is_err());
        assert!(check_node_name("2b").is_err());
        assert!(check_namespace("/").is_ok());
        assert!(check_namespace("a").is_err());
        assert!(check_namespace("/a/").is_err());
        assert!(check_whole_name("/").is_err());
    }
}
