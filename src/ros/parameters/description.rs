//! What a parameter is and may be.

use super::{ParameterError, ParameterType, ParameterValue};
use crate::ros::interfaces::{FloatingPointRange, IntegerRange, ParameterDescriptor};
use std::fmt;

/// What values a parameter may have, beside their type; for a list, what each of its elements may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Constraint {
    /// Anything.
    #[default]
    Any,
    /// Whole numbers from the first to the second.
    Integers(i64, i64),
    /// Real numbers from the first to the second. NaN never is.
    Reals(f64, f64),
    /// One of these texts.
    Choices(Vec<String>),
}

impl Constraint {
    fn allows(&self, value: &ParameterValue) -> bool {
        match (self, value) {
            (Self::Integers(least, most), ParameterValue::Integer(value)) => (least..=most).contains(&value),
            (Self::Integers(least, most), ParameterValue::IntegerArray(values)) => {
                values.iter().all(|value| (least..=most).contains(&value))
            }
            (Self::Reals(least, most), ParameterValue::Double(value)) => (least..=most).contains(&value),
            (Self::Reals(least, most), ParameterValue::DoubleArray(values)) => {
                values.iter().all(|value| (least..=most).contains(&value))
            }
            (Self::Choices(choices), ParameterValue::String(value)) => choices.contains(value),
            (Self::Choices(choices), ParameterValue::StringArray(values)) => {
                values.iter().all(|value| choices.contains(value))
            }
            _ => true,
        }
    }
}

/// For people; nothing for [`Constraint::Any`].
impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Integers(least, most) => write!(formatter, "{least} to {most}"),
            Self::Reals(least, most) => write!(formatter, "{least} to {most}"),
            Self::Choices(choices) => write!(formatter, "one of {}", choices.join(", ")),
        }
    }
}

/// A parameter as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDescription {
    /// Its name; dots make groups.
    pub name: String,
    /// Its value where nothing else is said; also says its type.
    pub default: ParameterValue,
    /// For people: what it does, with the unit.
    pub description: String,
    /// What it may be.
    pub constraint: Constraint,
    /// Whether it may change at any time; if not, only while the node is not configured.
    pub dynamic: bool,
}

impl ParameterDescription {
    /// A parameter that may be anything of its default's type, at any time.
    pub fn new(name: impl Into<String>, default: impl Into<ParameterValue>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            default: default.into(),
            description: description.into(),
            constraint: Constraint::Any,
            dynamic: true,
        }
    }

    /// Real numbers of a range only.
    #[must_use]
    pub fn between(mut self, least: f64, most: f64) -> Self {
        self.constraint = Constraint::Reals(least, most);
        self
    }

    /// Whole numbers of a range only.
    #[must_use]
    pub fn between_whole(mut self, least: i64, most: i64) -> Self {
        self.constraint = Constraint::Integers(least, most);
        self
    }

    /// These texts only.
    #[must_use]
    pub fn one_of(mut self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.constraint = Constraint::Choices(choices.into_iter().map(Into::into).collect());
        self
    }

    /// Read when the node is configured: it may change only while it is not.
    #[must_use]
    pub fn read_when_configured(mut self) -> Self {
        self.dynamic = false;
        self
    }

    /// Its type.
    pub fn kind(&self) -> ParameterType {
        self.default.kind()
    }

    /// The value as this parameter takes it: whole numbers become real where real ones are declared, an empty list
    /// becomes one of the declared type.
    ///
    /// # Errors
    /// [`ParameterError::Type`], [`ParameterError::Range`].
    pub fn accept(&self, value: ParameterValue) -> Result<ParameterValue, ParameterError> {
        let value = self.converted(value);
        if value.kind() != self.kind() {
            return Err(ParameterError::Type { name: self.name.clone(), expected: self.kind(), actual: value.kind() });
        }
        if !self.constraint.allows(&value) {
            return Err(ParameterError::Range {
                name: self.name.clone(),
                expected: self.constraint.to_string(),
                // As the range is written: `60`, not `60.0`.
                actual: if let ParameterValue::Double(value) = value { format!("{value}") } else { value.to_string() },
            });
        }
        Ok(value)
    }

    fn converted(&self, value: ParameterValue) -> ParameterValue {
        let is_empty = match &value {
            ParameterValue::ByteArray(values) => values.is_empty(),
            ParameterValue::BoolArray(values) => values.is_empty(),
            ParameterValue::IntegerArray(values) => values.is_empty(),
            ParameterValue::DoubleArray(values) => values.is_empty(),
            ParameterValue::StringArray(values) => values.is_empty(),
            _ => false,
        };
        match (self.kind(), value) {
            (ParameterType::Double, ParameterValue::Integer(value)) => ParameterValue::Double(value as f64),
            (ParameterType::ByteArray, _) if is_empty => ParameterValue::ByteArray(Vec::new()),
            (ParameterType::BoolArray, _) if is_empty => ParameterValue::BoolArray(Vec::new()),
            (ParameterType::IntegerArray, _) if is_empty => ParameterValue::IntegerArray(Vec::new()),
            (ParameterType::DoubleArray, _) if is_empty => ParameterValue::DoubleArray(Vec::new()),
            (ParameterType::StringArray, _) if is_empty => ParameterValue::StringArray(Vec::new()),
            (ParameterType::DoubleArray, ParameterValue::IntegerArray(values)) => {
                ParameterValue::DoubleArray(values.into_iter().map(|value| value as f64).collect())
            }
            // YAML has no bytes: a file says them as whole numbers.
            (ParameterType::ByteArray, ParameterValue::IntegerArray(values)) => {
                let bytes: Result<Vec<u8>, _> = values.iter().map(|value| u8::try_from(*value)).collect();
                bytes.map_or(ParameterValue::IntegerArray(values), ParameterValue::ByteArray)
            }
            (_, value) => value,
        }
    }

    /// What a message has no other field for: choices, and when it may change.
    pub(super) fn additional_constraints(&self) -> String {
        let choices =
            if let Constraint::Choices(_) = self.constraint { self.constraint.to_string() } else { String::new() };
        let when = if self.dynamic { "" } else { "may change while the node is unconfigured" };
        [choices.as_str(), when].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// As a message; `constraints` is the text of [`ParameterDescription::additional_constraints`].
    pub(super) fn descriptor<'a>(&'a self, constraints: &'a str) -> ParameterDescriptor<'a> {
        let mut descriptor = ParameterDescriptor {
            name: &self.name,
            kind: self.kind() as u8,
            description: &self.description,
            additional_constraints: constraints,
            ..ParameterDescriptor::default()
        };
        match self.constraint {
            Constraint::Integers(from_value, to_value) => {
                descriptor.integer_range = Some(IntegerRange { from_value, to_value, step: 0 });
            }
            Constraint::Reals(from_value, to_value) => {
                descriptor.floating_point_range = Some(FloatingPointRange { from_value, to_value, step: 0.0 });
            }
            Constraint::Any | Constraint::Choices(_) => {}
        }
        descriptor
    }
}
