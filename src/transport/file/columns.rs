//! Properties of points as the formats name them: columns of plain numbers, and how a cloud is
//! made of them.

use std::path::Path;

use super::FileError;
use crate::cloud::Cloud;

/// Type of a number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ScalarType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl ScalarType {
    /// Size in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The value of little-endian bytes; 64-bit integers beyond 2⁵³ are rounded.
    ///
    /// # Panics
    /// When `bytes` is shorter than [`size`](Self::size).
    pub fn value(self, bytes: &[u8]) -> f64 {
        macro_rules! read {
            ($type:ty) => {
                <$type>::from_le_bytes(bytes[..size_of::<$type>()].try_into().expect("as long as the type")) as f64
            };
        }
        match self {
            Self::I8 => read!(i8),
            Self::U8 => read!(u8),
            Self::I16 => read!(i16),
            Self::U16 => read!(u16),
            Self::I32 => read!(i32),
            Self::U32 => read!(u32),
            Self::I64 => read!(i64),
            Self::U64 => read!(u64),
            Self::F32 => read!(f32),
            Self::F64 => read!(f64),
        }
    }

    /// Parses a word of text and appends it as little-endian bytes; `None` when it is no such number.
    pub fn parse(self, word: &str, bytes: &mut Vec<u8>) -> Option<()> {
        macro_rules! integer {
            ($type:ty) => {{
                // Some writers put integers as "3.0".
                let whole = || word.parse::<f64>().ok().filter(|value| value.fract() == 0.0);
                let value = word.parse::<$type>().ok().or_else(|| {
                    whole()
                        .filter(|value| *value >= <$type>::MIN as f64 && *value <= <$type>::MAX as f64)
                        .map(|value| value as $type)
                });
                bytes.extend_from_slice(&value?.to_le_bytes())
            }};
        }
        match self {
            Self::I8 => integer!(i8),
            Self::U8 => integer!(u8),
            Self::I16 => integer!(i16),
            Self::U16 => integer!(u16),
            Self::I32 => integer!(i32),
            Self::U32 => integer!(u32),
            Self::I64 => integer!(i64),
            Self::U64 => integer!(u64),
            Self::F32 => bytes.extend_from_slice(&word.parse::<f32>().ok()?.to_le_bytes()),
            Self::F64 => bytes.extend_from_slice(&word.parse::<f64>().ok()?.to_le_bytes()),
        }
        Some(())
    }
}

/// One property of every point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name as in the file.
    pub name: String,
    /// Type of its numbers.
    pub scalar: ScalarType,
    /// Numbers per point; 1 but for histograms and the like.
    pub count: usize,
    /// Values, point by point, little-endian.
    pub bytes: Vec<u8>,
}

impl Column {
    /// A column of `f32`.
    pub fn of_f32(name: &str, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name: name.into(), scalar: ScalarType::F32, count: 1, bytes }
    }

    /// Bytes per point.
    pub fn stride(&self) -> usize {
        self.scalar.size() * self.count
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.stride()).unwrap_or(0)
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// First value of each point, as `f64`.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.bytes.chunks_exact(self.stride().max(1)).map(|bytes| self.scalar.value(bytes))
    }
}

/// Makes a cloud of columns of equal length; answers the columns that are left.
pub fn into_cloud(path: &Path, mut columns: Vec<Column>) -> Result<(Cloud, Vec<Column>), FileError> {
    let fields = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let no_position = || FileError::NoPosition { path: path.to_owned(), fields: fields.clone() };
    let mut take = |name: &str| {
        let index = columns.iter().position(|column| column.name == name && column.count == 1)?;
        Some(columns.remove(index))
    };
    let (Some(x), Some(y), Some(z)) = (take("x"), take("y"), take("z")) else { return Err(no_position()) };
    let position = x.values().zip(y.values()).zip(z.values());
    let position = position.map(|((x, y), z)| [x as f32, y as f32, z as f32]).collect();

    let packed = |column: &Column| column.scalar.size() == 4 && column.count == 1;
    let colour = if let Some(index) =
        columns.iter().position(|column| matches!(column.name.as_str(), "rgb" | "rgba") && packed(column))
    {
        let column = columns.remove(index);
        // Four bytes b, g, r, a, whatever type they are declared as.
        Some(column.bytes.chunks_exact(4).map(|bytes| [bytes[2], bytes[1], bytes[0]]).collect())
    } else {
        let named = |names: [&str; 3]| {
            let find = |name: &str| columns.iter().position(|column| column.name == name && column.count == 1);
            Some([find(names[0])?, find(names[1])?, find(names[2])?])
        };
        let sets = [["red", "green", "blue"], ["r", "g", "b"], ["diffuse_red", "diffuse_green", "diffuse_blue"]];
        sets.into_iter().find_map(named).map(|channels| {
            let colour = separate_colour(channels.map(|index| &columns[index]));
            let mut channels = channels;
            channels.sort_unstable();
            for index in channels.into_iter().rev() {
                columns.remove(index);
            }
            colour
        })
    };
    Ok((Cloud { position, colour }, columns))
}

/// Colour from one column per channel. Bytes are taken as they are, 16-bit values by their upper
/// byte; floating-point values are 0..=1 when none is above 1, else 0..=255.
fn separate_colour(channels: [&Column; 3]) -> Vec<[u8; 3]> {
    let scale = |column: &Column| match column.scalar {
        ScalarType::U16 => 1.0 / 257.0,
        ScalarType::F32 | ScalarType::F64
            if channels.iter().all(|column| column.values().all(|value| value.is_nan() || value <= 1.0)) =>
        {
            255.0
        }
        _ => 1.0,
    };
    let scales = channels.map(scale);
    let byte = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    let [red, green, blue] = channels.map(Column::values);
    let rows = red.zip(green).zip(blue);
    rows.map(|((r, g), b)| [byte(r * scales[0]), byte(g * scales[1]), byte(b * scales[2])]).collect()
}
