//! Which nodes a section of a parameter file is for.

use crate::ros::names::{NameError, NodeName, check_whole_name};

/// A node name with wildcards: `*` is any one part, `**` any number of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePattern(Vec<String>);

impl NodePattern {
    /// Reads `/**`, `/robot/*/eye`, `/robot/eye` or `eye`, which means `/eye`.
    ///
    /// # Errors
    /// [`NameError`] for what is none even with letters in place of the stars.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let whole = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
        check_whole_name(&whole.replace('*', "s")).map_err(|error| NameError {
            kind: "node of parameters",
            name: text.to_owned(),
            ..error
        })?;
        Ok(Self(whole[1..].split('/').map(str::to_owned).collect()))
    }

    /// Whether it means this node.
    pub fn fits(&self, node: &NodeName) -> bool {
        let whole = node.whole();
        let parts: Vec<&str> = whole[1..].split('/').collect();
        fits(&self.0, &parts)
    }

    /// Whether it can mean more than one node.
    pub fn has_wildcard(&self) -> bool {
        self.0.iter().any(|part| part.starts_with('*'))
    }
}

fn fits(pattern: &[String], parts: &[&str]) -> bool {
    // Which prefixes of the parts the pattern so far covers: linear in both, however many stars there are.
    let mut covered = vec![false; parts.len() + 1];
    covered[0] = true;
    for piece in pattern {
        if piece == "**" {
            for at in 1..covered.len() {
                covered[at] |= covered[at - 1];
            }
        } else {
            for at in (1..covered.len()).rev() {
                covered[at] = covered[at - 1] && (piece == "*" || piece == parts[at - 1]);
            }
            covered[0] = false;
        }
    }
    covered[parts.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_parts() {
        let node = NodeName::new("/robot/front", "eye").unwrap();
        let fits = |text| NodePattern::parse(text).unwrap().fits(&node);
        for text in ["/**", "/robot/front/eye", "robot/front/eye", "/*/*/eye", "/**/eye", "/robot/**", "/**/front/*"] {
            assert!(fits(text), "{text}");
        }
        for text in ["/*", "/eye", "eye", "/*/eye", "/robot/front", "/robot/front/eye/*", "/**/front"] {
            assert!(!fits(text), "{text}");
        }
        assert!(fits(&"/**".repeat(60)));
        assert!(NodePattern::parse("a b").is_err());
        assert!(NodePattern::parse("").is_err());
    }
}
