//! The parameters of a node, written down: for its documentation and as a file to begin with.

use super::ParameterDescription;
use std::fmt::Write as _;

/// A table in Markdown: name, type, default, what it may be, whether it may change at any time, description.
pub fn schema_markdown<'d>(descriptions: impl IntoIterator<Item = &'d ParameterDescription>) -> String {
    let mut table =
        String::from("| parameter | type | default | may be | may change | description |\n|---|---|---|---|---|---|\n");
    // A bar would end the cell.
    let cell = |text: String| text.replace('|', "\\|").replace('\n', " ");
    for one in descriptions {
        let changes = if one.dynamic { "always" } else { "unconfigured" };
        let (may_be, description) = (cell(one.constraint.to_string()), cell(one.description.clone()));
        let default = cell(one.default.to_string());
        // Writing into a String cannot fail.
        let _ =
            writeln!(table, "| `{}` | {} | `{default}` | {may_be} | {changes} | {description} |", one.name, one.kind());
    }
    table
}

/// A parameter file for any node, with every default and its description as a comment.
pub fn schema_yaml<'d>(descriptions: impl IntoIterator<Item = &'d ParameterDescription>) -> String {
    let mut file = String::from("/**:\n  ros__parameters:\n");
    for one in descriptions {
        let mut comment = one.description.replace('\n', " ");
        let may_be = one.constraint.to_string();
        if !may_be.is_empty() {
            let _ = write!(comment, " ({may_be})");
        }
        if !one.dynamic {
            comment.push_str(" May change while unconfigured.");
        }
        let _ = writeln!(file, "    # {comment}\n    {}: {}", one.name, one.default);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::parameters::{Override, ParameterStore};

    #[test]
    fn the_schema_is_a_table_and_a_file_that_can_be_read() {
        let descriptions = vec![
            ParameterDescription::new("deadline", 0.1, "Longest time for a frame, in seconds.").between(0.001, 10.0),
            ParameterDescription::new("engine", "auto", "Who computes: a | b.")
                .one_of(["auto", "tract"])
                .read_when_configured(),
            ParameterDescription::new("classes", vec!["chair".to_owned()], "Which classes are shown."),
            ParameterDescription::new("tf.empty", Vec::<f64>::new(), "Nothing."),
        ];
        assert_eq!(
            schema_markdown(&descriptions[..2]),
            "| parameter | type | default | may be | may change | description |\n|---|---|---|---|---|---|\n\
             | `deadline` | double | `0.1` | 0.001 to 10 | always | Longest time for a frame, in seconds. |\n\
             | `engine` | string | `\"auto\"` | one of auto, tract | unconfigured | Who computes: a \\| b. |\n"
        );
        let file = schema_yaml(&descriptions);
        assert!(file.contains(
            "    # Who computes: a | b. (one of auto, tract) May change while unconfigured.\n    engine: \"auto\"\n"
        ));
        let overrides = Override::read(&file, std::path::Path::new("schema.yaml")).unwrap();
        assert_eq!(overrides.len(), 4);
        let store = ParameterStore::new(descriptions.clone(), overrides).unwrap();
        for one in &descriptions {
            assert_eq!(store.get(&one.name), Some(one.default.clone()));
        }
    }
}
