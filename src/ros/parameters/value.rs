//! The value of a parameter, owned.

use super::ParameterError;
use crate::ros::Sequence;
use crate::ros::interfaces::{ParameterValueView, parameter_type};
use std::fmt;

/// Which of its kinds a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ParameterType {
    /// None.
    NotSet = parameter_type::NOT_SET,
    /// True or false.
    Bool = parameter_type::BOOL,
    /// 64 bits, signed.
    Integer = parameter_type::INTEGER,
    /// IEEE 754 binary64.
    Double = parameter_type::DOUBLE,
    /// A text.
    String = parameter_type::STRING,
    /// Bytes.
    ByteArray = parameter_type::BYTE_ARRAY,
    /// A list.
    BoolArray = parameter_type::BOOL_ARRAY,
    /// A list.
    IntegerArray = parameter_type::INTEGER_ARRAY,
    /// A list.
    DoubleArray = parameter_type::DOUBLE_ARRAY,
    /// A list.
    StringArray = parameter_type::STRING_ARRAY,
}

impl ParameterType {
    /// Whether it is a list.
    pub fn is_array(self) -> bool {
        self as u8 >= parameter_type::BYTE_ARRAY
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotSet => "not set",
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::String => "string",
            Self::ByteArray => "byte_array",
            Self::BoolArray => "bool_array",
            Self::IntegerArray => "integer_array",
            Self::DoubleArray => "double_array",
            Self::StringArray => "string_array",
        })
    }
}

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ParameterValue {
    /// None.
    #[default]
    NotSet,
    /// True or false.
    Bool(bool),
    /// 64 bits, signed.
    Integer(i64),
    /// IEEE 754 binary64.
    Double(f64),
    /// A text.
    String(String),
    /// Bytes.
    ByteArray(Vec<u8>),
    /// A list.
    BoolArray(Vec<bool>),
    /// A list.
    IntegerArray(Vec<i64>),
    /// A list.
    DoubleArray(Vec<f64>),
    /// A list.
    StringArray(Vec<String>),
}

impl ParameterValue {
    /// Its type.
    pub fn kind(&self) -> ParameterType {
        match self {
            Self::NotSet => ParameterType::NotSet,
            Self::Bool(_) => ParameterType::Bool,
            Self::Integer(_) => ParameterType::Integer,
            Self::Double(_) => ParameterType::Double,
            Self::String(_) => ParameterType::String,
            Self::ByteArray(_) => ParameterType::ByteArray,
            Self::BoolArray(_) => ParameterType::BoolArray,
            Self::IntegerArray(_) => ParameterType::IntegerArray,
            Self::DoubleArray(_) => ParameterType::DoubleArray,
            Self::StringArray(_) => ParameterType::StringArray,
        }
    }

    /// The texts of a list of texts: what [`ParameterValue::view`] borrows.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::StringArray(texts) => texts.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// As a message; `texts` are those of [`ParameterValue::texts`].
    pub(super) fn view<'a>(&'a self, texts: &'a [&'a str]) -> ParameterValueView<'a> {
        let mut view = ParameterValueView { kind: self.kind() as u8, ..ParameterValueView::default() };
        match self {
            Self::NotSet => {}
            Self::Bool(value) => view.bool_value = *value,
            Self::Integer(value) => view.integer_value = *value,
            Self::Double(value) => view.double_value = *value,
            Self::String(value) => view.string_value = value,
            Self::ByteArray(values) => view.byte_array_value = values,
            Self::BoolArray(values) => view.bool_array_value = Sequence::listed(values),
            Self::IntegerArray(values) => view.integer_array_value = Sequence::listed(values),
            Self::DoubleArray(values) => view.double_array_value = Sequence::listed(values),
            Self::StringArray(_) => view.string_array_value = Sequence::listed(texts),
        }
        view
    }

    /// From a message; `None` if it names a type that there is not.
    pub fn from_view(view: &ParameterValueView<'_>) -> Option<Self> {
        Some(match view.kind {
            parameter_type::NOT_SET => Self::NotSet,
            parameter_type::BOOL => Self::Bool(view.bool_value),
            parameter_type::INTEGER => Self::Integer(view.integer_value),
            parameter_type::DOUBLE => Self::Double(view.double_value),
            parameter_type::STRING => Self::String(view.string_value.to_owned()),
            parameter_type::BYTE_ARRAY => Self::ByteArray(view.byte_array_value.to_vec()),
            parameter_type::BOOL_ARRAY => Self::BoolArray(view.bool_array_value.iter().collect()),
            parameter_type::INTEGER_ARRAY => Self::IntegerArray(view.integer_array_value.iter().collect()),
            parameter_type::DOUBLE_ARRAY => Self::DoubleArray(view.double_array_value.iter().collect()),
            parameter_type::STRING_ARRAY => {
                Self::StringArray(view.string_array_value.iter().map(str::to_owned).collect())
            }
            _ => return None,
        })
    }
}

/// As YAML, on one line.
impl fmt::Display for ParameterValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T>(formatter: &mut fmt::Formatter<'_>, values: &[T], one: impl Fn(&T) -> String) -> fmt::Result {
            write!(formatter, "[{}]", values.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        // A whole real keeps its point, lest it be read as an integer. JSON's quotes are YAML's.
        let real = |value: &f64| match value {
            value if value.is_nan() => ".nan".to_owned(),
            value if value.is_infinite() => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
            value => format!("{value:?}"),
        };
        let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        match self {
            Self::NotSet => formatter.write_str("not set"),
            Self::Bool(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Double(value) => formatter.write_str(&real(value)),
            Self::String(value) => formatter.write_str(&quoted(value)),
            Self::ByteArray(values) => list(formatter, values, u8::to_string),
            Self::BoolArray(values) => list(formatter, values, bool::to_string),
            Self::IntegerArray(values) => list(formatter, values, i64::to_string),
            Self::DoubleArray(values) => list(formatter, values, real),
            Self::StringArray(values) => list(formatter, values, quoted),
        }
    }
}

/// What a parameter can be asked for as.
pub trait FromParameter: Sized {
    /// The type that a parameter must have to be asked for so.
    const TYPE: ParameterType;

    /// The value; `None` if the parameter has another type.
    fn from_parameter(value: &ParameterValue) -> Option<Self>;

    /// The value, or the error that names both types.
    ///
    /// # Errors
    /// [`ParameterError::Type`].
    fn expect_parameter(name: &str, value: &ParameterValue) -> Result<Self, ParameterError> {
        Self::from_parameter(value).ok_or_else(|| ParameterError::Type {
            name: name.to_owned(),
            expected: Self::TYPE,
            actual: value.kind(),
        })
    }
}

macro_rules! conversions {
    ($($kind:ident: $rust:ty),* $(,)?) => {
        $(
            impl From<$rust> for ParameterValue {
                fn from(value: $rust) -> Self {
                    Self::$kind(value)
                }
            }

            impl FromParameter for $rust {
                const TYPE: ParameterType = ParameterType::$kind;

                fn from_parameter(value: &ParameterValue) -> Option<Self> {
                    match value {
                        ParameterValue::$kind(value) => Some(value.clone()),
                        _ => None,
                    }
                }
            }
        )*
    };
}

conversions!(
    Bool: bool,
    Integer: i64,
    Double: f64,
    String: String,
    ByteArray: Vec<u8>,
    BoolArray: Vec<bool>,
    IntegerArray: Vec<i64>,
    DoubleArray: Vec<f64>,
    StringArray: Vec<String>,
);

impl From<&str> for ParameterValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

/// For numbers written in the source, whose type is this one where nothing else is said.
impl From<i32> for ParameterValue {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}
