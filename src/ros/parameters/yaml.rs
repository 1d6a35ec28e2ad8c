//! YAML as `rcl_yaml_param_parser` reads it.
//!
//! rcl takes YAML 1.1's words for truth (`on`, `yes`, `y`), octal and hexadecimal numbers, and tells `5` from `"5"`.
//! The usual crates give typed values of YAML 1.2, so this reads the events of a parser and decides by itself.
//! Anchors, aliases, lists of lists and texts nested too deep are refused: no file can grow on reading.

use super::ParameterValue;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use std::borrow::Cow;

/// Mappings inside each other: more than any parameter has dots.
const DEEPEST: usize = 32;

/// Where and why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// A value or a mapping, with its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A single value or a list.
    Value(ParameterValue),
    /// Keys with their lines, in the order of the file.
    Mapping(Vec<(String, usize, Node)>),
}

/// Reads one value, as behind `-p name:=`.
///
/// # Errors
/// [`YamlError`] for anything but one scalar or one list of scalars of one type.
pub fn parse_value(text: &str) -> Result<ParameterValue, YamlError> {
    match parse(text)? {
        Some(Node::Value(value)) => Ok(value),
        Some(Node::Mapping(_)) => Err(YamlError { line: 1, reason: "expected a value, found a mapping".into() }),
        // An empty text is one: rcl says so of `-p name:=`.
        None => Err(YamlError { line: 1, reason: "expected a value, found nothing".into() }),
    }
}

/// Reads a whole document; `None` for an empty one.
pub(super) fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let mut events = Events { parser: Parser::new_from_str(text), line: 1 };
    let mut root = None;
    loop {
        match events.next()? {
            Event::StreamEnd => return Ok(root),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if root.is_some() => return events.refuse("expected one document, found another"),
            event => root = Some(events.node(event, 0)?),
        }
    }
}

struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    line: usize,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<Event<'t>, YamlError> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => Err(YamlError { line: error.marker().line(), reason: error.info().to_owned() }),
            None => Ok(Event::StreamEnd),
        }
    }

    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, YamlError> {
        Err(YamlError { line: self.line, reason: reason.into() })
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Node, YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.no_anchor(anchor)?;
                self.scalar(&text, style, tag.as_deref()).map(Node::Value)
            }
            Event::SequenceStart(anchor, _) => {
                self.no_anchor(anchor)?;
                self.list().map(Node::Value)
            }
            Event::MappingStart(anchor, _) => {
                self.no_anchor(anchor)?;
                if depth == DEEPEST {
                    return self.refuse(format!("more than {DEEPEST} mappings inside each other"));
                }
                self.mapping(depth).map(Node::Mapping)
            }
            Event::Alias(_) => self.refuse("aliases are not supported"),
            other => self.refuse(format!("expected a value, found {other:?}")),
        }
    }

    fn no_anchor(&self, anchor: usize) -> Result<(), YamlError> {
        if anchor == 0 { Ok(()) } else { self.refuse("anchors are not supported") }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(String, usize, Node)>, YamlError> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return self.refuse("expected a name in front of the colon"),
            };
            let line = self.line;
            let event = self.next()?;
            entries.push((key, line, self.node(event, depth + 1)?));
        }
    }

    fn list(&mut self) -> Result<ParameterValue, YamlError> {
        let mut list: Option<ParameterValue> = None;
        loop {
            let value = match self.next()? {
                // An empty list says no type; whoever declares one takes it as theirs.
                Event::SequenceEnd => return Ok(list.unwrap_or(ParameterValue::StringArray(Vec::new()))),
                Event::Scalar(text, style, anchor, tag) => {
                    self.no_anchor(anchor)?;
                    self.scalar(&text, style, tag.as_deref())?
                }
                _ => return self.refuse("expected single values in a list"),
            };
            match (&mut list, value) {
                (None, ParameterValue::Bool(value)) => list = Some(ParameterValue::BoolArray(vec![value])),
                (None, ParameterValue::Integer(value)) => list = Some(ParameterValue::IntegerArray(vec![value])),
                (None, ParameterValue::Double(value)) => list = Some(ParameterValue::DoubleArray(vec![value])),
                (None, ParameterValue::String(value)) => list = Some(ParameterValue::StringArray(vec![value])),
                (Some(ParameterValue::BoolArray(values)), ParameterValue::Bool(value)) => values.push(value),
                (Some(ParameterValue::IntegerArray(values)), ParameterValue::Integer(value)) => values.push(value),
                (Some(ParameterValue::DoubleArray(values)), ParameterValue::Double(value)) => values.push(value),
                (Some(ParameterValue::StringArray(values)), ParameterValue::String(value)) => values.push(value),
                (list, value) => {
                    let list = list.as_ref().map_or_else(String::new, |list| list.kind().to_string());
                    return self.refuse(format!("{value} is no element of a list of type {list}"));
                }
            }
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<ParameterValue, YamlError> {
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
        if is_text {
            return Ok(ParameterValue::String(text.to_owned()));
        }
        if text.is_empty() {
            return self.refuse("expected a value, found nothing");
        }
        Ok(plain(text))
    }
}

/// The type of a plain scalar, in the order in which rcl tries.
fn plain(text: &str) -> ParameterValue {
    match text {
        "Y" | "y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return ParameterValue::Bool(true);
        }
        "N" | "n" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return ParameterValue::Bool(false);
        }
        _ => {}
    }
    if let Some(value) = whole(text) {
        return ParameterValue::Integer(value);
    }
    // `.inf` and `.nan`, with or without a sign and in any case: Rust knows them without the point.
    let (sign, rest) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    let special = rest.strip_prefix('.').filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    let number = special.map_or(Cow::Borrowed(text), |rest| Cow::Owned(format!("{sign}{rest}")));
    match number.parse() {
        Ok(value) => ParameterValue::Double(value),
        Err(_) => ParameterValue::String(text.to_owned()),
    }
}

/// As `strtoll` with base 0: decimal, `0x…` or `0…`.
fn whole(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    if !digits.starts_with(|letter: char| letter.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What rclpy (Kilted) made of the same texts.
    #[test]
    fn values_are_those_of_rcl() {
        let real = ParameterValue::Double;
        let text = |text: &str| ParameterValue::String(text.to_owned());
        let table = [
            ("yes", ParameterValue::Bool(true)),
            ("y", ParameterValue::Bool(true)),
            ("Off", ParameterValue::Bool(false)),
            ("TRUE", ParameterValue::Bool(true)),
            ("\"yes\"", text("yes")),
            ("'5'", text("5")),
            ("!!str 5", text("5")),
            ("0x10", ParameterValue::Integer(16)),
            ("-0x10", ParameterValue::Integer(-16)),
            ("010", ParameterValue::Integer(8)),
            ("08", real(8.0)),
            ("+5", ParameterValue::Integer(5)),
            ("0", ParameterValue::Integer(0)),
            ("9223372036854775807", ParameterValue::Integer(i64::MAX)),
            ("-9223372036854775808", ParameterValue::Integer(i64::MIN)),
            ("9223372036854775808", real(9_223_372_036_854_775_808.0)),
            ("1e3", real(1000.0)),
            ("5.", real(5.0)),
            ("inf", real(f64::INFINITY)),
            ("infinity", real(f64::INFINITY)),
            (".Inf", real(f64::INFINITY)),
            ("+.inf", real(f64::INFINITY)),
            ("-.inf", real(f64::NEG_INFINITY)),
            (".5", real(0.5)),
            ("1_000", text("1_000")),
            ("1.5.2", text("1.5.2")),
            ("0b1", text("0b1")),
            ("0x", text("0x")),
            ("null", text("null")),
            ("[true, on]", ParameterValue::BoolArray(vec![true, true])),
            ("['a', b]", ParameterValue::StringArray(vec!["a".into(), "b".into()])),
            ("[1, 2]", ParameterValue::IntegerArray(vec![1, 2])),
            ("[1.0, 2.5]", ParameterValue::DoubleArray(vec![1.0, 2.5])),
        ];
        for (yaml, value) in table {
            assert_eq!(parse_value(yaml), Ok(value), "{yaml}");
        }
        assert!(matches!(parse_value(".NaN"), Ok(ParameterValue::Double(value)) if value.is_nan()));
        assert_eq!(parse_value("''"), Ok(text("")));
    }

    #[test]
    fn what_rcl_refuses_is_refused_by_line() {
        for yaml in ["[1, a]", "[a, 1]", "[1, 2.5]", "[[1], [2]]", "[{a: 1}]", "*x", "{a: 1}", "", "[1", "--- 1\n--- 2"]
        {
            assert!(parse_value(yaml).is_err(), "{yaml}");
        }
        let error = parse("a: 1\nb: [1,\n  x]\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3: \"x\" is no element of a list of type integer_array");
        assert_eq!(parse("a:\nb: 1\n").unwrap_err().reason, "expected a value, found nothing");
        assert_eq!(parse("a: &x 1\n").unwrap_err().reason, "anchors are not supported");
        let deep = format!("{}1{}", "{a: ".repeat(200), "}".repeat(200));
        assert!(parse(&deep).unwrap_err().reason.starts_with("more than 32"));
    }

    proptest! {
        #[test]
        fn nothing_panics(yaml in "[a-z0-9:{}\\[\\]&*!|>'\"#, \n~.-]{0,60}") {
            let _ = parse(&yaml);
        }

        #[test]
        fn what_is_shown_is_read_again(
            text in ".{0,12}", whole: i64, real in -1e9..1e9f64, texts in prop::collection::vec("[ -~äß]{0,6}", 1..4),
        ) {
            let values = [
                ParameterValue::String(text),
                ParameterValue::Integer(whole),
                ParameterValue::Double(real),
                ParameterValue::StringArray(texts),
            ];
            for value in values {
                prop_assert_eq!(parse_value(&value.to_string()), Ok(value));
            }
        }
    }
}
