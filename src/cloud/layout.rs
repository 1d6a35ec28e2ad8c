//! Where the values of a point lie inside a PointCloud2.
//!
//! Drivers agree on names and on nothing else: order, offsets, types, padding and byte order all
//! vary. [`CloudLayout::of`] reads the description once, checks every number in it against the
//! bytes that are really there, and leaves columns that can be read without further checks.

use super::CloudError;
use crate::ros::{PointCloud2View, PointField, datatype};

/// Type of a value inside a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scalar {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
}

impl Scalar {
    /// From the constants of `sensor_msgs/PointField`; `None` for numbers that are none of them.
    pub fn from_datatype(value: u8) -> Option<Self> {
        Some(match value {
            datatype::INT8 => Self::I8,
            datatype::UINT8 => Self::U8,
            datatype::INT16 => Self::I16,
            datatype::UINT16 => Self::U16,
            datatype::INT32 => Self::I32,
            datatype::UINT32 => Self::U32,
            datatype::FLOAT32 => Self::F32,
            datatype::FLOAT64 => Self::F64,
            _ => return None,
        })
    }

    /// Size in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// One value of every point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Bytes from the start of the point.
    pub offset: usize,
    /// Type.
    pub scalar: Scalar,
    /// Byte order.
    pub big_endian: bool,
}

impl Column {
    /// The value in one point, as a double (which holds every type exactly).
    ///
    /// # Panics
    /// If `point` is shorter than the layout's `point_step`.
    #[inline]
    pub fn value(&self, point: &[u8]) -> f64 {
        match self.scalar {
            Scalar::I8 => f64::from(self.bytes::<1>(point)[0] as i8),
            Scalar::U8 => f64::from(self.bytes::<1>(point)[0]),
            Scalar::I16 => f64::from(i16::from_le_bytes(self.bytes(point))),
            Scalar::U16 => f64::from(u16::from_le_bytes(self.bytes(point))),
            Scalar::I32 => f64::from(i32::from_le_bytes(self.bytes(point))),
            Scalar::U32 => f64::from(u32::from_le_bytes(self.bytes(point))),
            Scalar::F32 => f64::from(f32::from_le_bytes(self.bytes(point))),
            Scalar::F64 => f64::from_le_bytes(self.bytes(point)),
        }
    }

    /// The value's bytes, least significant first.
    #[inline]
    pub(super) fn bytes<const N: usize>(&self, point: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&point[self.offset..self.offset + N]);
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }
}

/// How a cloud says its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourLayout {
    /// Four bytes `0xAARRGGBB` under a float's or an integer's name (PCL's habit).
    Packed(Column),
    /// A byte each.
    Separate {
        /// Offset of red in the point.
        red: usize,
        /// Offset of green in the point.
        green: usize,
        /// Offset of blue in the point.
        blue: usize,
    },
}

/// When each point was measured. The unit is the driver's: `t` (Ouster) and `time_stamp`
/// (Autoware) count nanoseconds and `time` (Velodyne) seconds from the frame's stamp; `timestamp`
/// is absolute, in nanoseconds (Livox) or seconds (Hesai, RoboSense).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeColumn {
    /// Which of those names it has.
    pub name: &'static str,
    /// Where it lies.
    pub column: Column,
}

/// The checked description of a PointCloud2. Of fields with the same name the first counts, as in
/// `sensor_msgs::PointCloud2Iterator`; of fields with a `count` above 1 the first value. Fields
/// that are not listed here are carried through to the output untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudLayout {
    /// Rows.
    pub height: usize,
    /// Points per row.
    pub width: usize,
    /// Bytes per point.
    pub point_step: usize,
    /// Bytes per row, padding included.
    pub row_step: usize,
    /// x, y, z: f32 or f64.
    pub position: [Column; 3],
    /// Colour (`rgb`, `rgba`, or `r`, `g`, `b`), if there is one.
    pub colour: Option<ColourLayout>,
    /// Intensity of the return, of any type.
    pub intensity: Option<Column>,
    /// Laser number: `ring`, `channel` (Autoware) or `line` (Livox).
    pub ring: Option<Column>,
    /// Time of each point.
    pub time: Option<TimeColumn>,
}

impl CloudLayout {
    /// Reads and checks the description of a cloud. Everything that is allocated later is bounded
    /// by `data.len()`, because every point is shown to lie inside `data`.
    ///
    /// `data` longer than the points need is accepted: the rest is not read. A last row without
    /// its padding is accepted too. A `count` of 0 means 1 (old PCL writers).
    ///
    /// # Errors
    /// [`CloudError`], saying what was expected and what came.
    pub fn of(view: &PointCloud2View<'_>) -> Result<Self, CloudError> {
        check_extent(view)?;
        check_fields(view)?;
        let find = |name: &str| view.fields.iter().find(|field| field.name == name);
        let any = |names: &[&'static str]| names.iter().find_map(|name| find(name).map(|field| (*name, field)));
        let number = |names: &[&'static str]| any(names).and_then(|(name, field)| Some((name, column(view, &field)?)));
        Ok(Self {
            height: view.height as usize,
            width: view.width as usize,
            point_step: view.point_step as usize,
            row_step: view.row_step as usize,
            position: [coordinate(view, "x")?, coordinate(view, "y")?, coordinate(view, "z")?],
            colour: colour(view)?,
            intensity: number(&["intensity"]).map(|(_, column)| column),
            ring: number(&["ring", "channel", "line"]).map(|(_, column)| column),
            time: number(&["t", "time_stamp", "time", "timestamp"]).map(|(name, column)| TimeColumn { name, column }),
        })
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.height * self.width
    }

    /// The points of a cloud that has this layout, row by row without padding; one slice where
    /// there is no padding.
    pub fn rows<'d>(&self, data: &'d [u8]) -> impl Iterator<Item = &'d [u8]> + use<'d> {
        let bytes = self.width * self.point_step;
        let padded = self.row_step != bytes;
        let (rows, bytes) = match (self.points(), padded) {
            (0, _) => (0, 0),
            (_, true) => (self.height, bytes),
            (_, false) => (1, bytes * self.height),
        };
        let row_step = self.row_step;
        (0..rows).map(move |row| &data[row * row_step..][..bytes])
    }

    /// One column of a cloud that has this layout, in point order.
    pub fn values<'d>(&self, data: &'d [u8], column: Column) -> impl Iterator<Item = f64> + use<'d> {
        let point_step = self.point_step;
        self.rows(data).flat_map(move |row| row.chunks_exact(point_step)).map(move |point| column.value(point))
    }
}

/// Rows do not overlap, and all of them are there.
fn check_extent(view: &PointCloud2View<'_>) -> Result<(), CloudError> {
    let (width, height) = (u64::from(view.width), u64::from(view.height));
    let row = width * u64::from(view.point_step);
    if u64::from(view.row_step) < row {
        return Err(CloudError::RowStep {
            row_step: view.row_step,
            width: view.width,
            point_step: view.point_step,
            needed: row,
        });
    }
    let needed = if width == 0 || height == 0 { 0 } else { (height - 1) * u64::from(view.row_step) + row };
    if needed > view.data.len() as u64 {
        return Err(CloudError::DataLength { actual: view.data.len(), height: view.height, width: view.width, needed });
    }
    Ok(())
}

/// Every field of a known type lies inside the point. (Fields of unknown type have no known size;
/// they are carried, never read.)
pub(super) fn check_fields(view: &PointCloud2View<'_>) -> Result<(), CloudError> {
    for field in view.fields {
        let size = Scalar::from_datatype(field.datatype).map_or(0, Scalar::size) as u64;
        let end = u64::from(field.offset) + size * u64::from(field.count.max(1));
        if size > 0 && end > u64::from(view.point_step) {
            return Err(CloudError::FieldOutsidePoint { field: field.name.into(), end, point_step: view.point_step });
        }
    }
    Ok(())
}

fn column(view: &PointCloud2View<'_>, field: &PointField<'_>) -> Option<Column> {
    let scalar = Scalar::from_datatype(field.datatype)?;
    Some(Column { offset: field.offset as usize, scalar, big_endian: view.is_bigendian })
}

fn wrong_type(field: &PointField<'_>, expected: &'static str) -> CloudError {
    CloudError::FieldType { field: field.name.into(), expected, datatype: field.datatype, count: field.count }
}

fn coordinate(view: &PointCloud2View<'_>, name: &'static str) -> Result<Column, CloudError> {
    let Some(field) = view.fields.iter().find(|field| field.name == name) else {
        let names: Vec<&str> = view.fields.iter().map(|field| field.name).collect();
        let available = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(CloudError::MissingField { field: name, available });
    };
    match column(view, &field) {
        Some(column) if matches!(column.scalar, Scalar::F32 | Scalar::F64) => Ok(column),
        _ => Err(wrong_type(&field, "FLOAT32 (7) or FLOAT64 (8)")),
    }
}

/// `rgb` or `rgba` packed or as bytes; else `r`, `g`, `b` if all three are there.
fn colour(view: &PointCloud2View<'_>) -> Result<Option<ColourLayout>, CloudError> {
    if let Some(field) = view.fields.iter().find(|field| matches!(field.name, "rgb" | "rgba")) {
        return match column(view, &field) {
            Some(column) if matches!(column.scalar, Scalar::F32 | Scalar::U32 | Scalar::I32) => {
                Ok(Some(ColourLayout::Packed(column)))
            }
            Some(Column { offset, scalar: Scalar::U8, .. }) if field.count >= 3 => {
                Ok(Some(ColourLayout::Separate { red: offset, green: offset + 1, blue: offset + 2 }))
            }
            _ => Err(wrong_type(&field, "FLOAT32 (7), UINT32 (6), INT32 (5) or three UINT8 (2)")),
        };
    }
    let byte = |name: &str| -> Result<Option<usize>, CloudError> {
        match view.fields.iter().find(|field| field.name == name) {
            None => Ok(None),
            Some(field) if field.datatype == datatype::UINT8 => Ok(Some(field.offset as usize)),
            Some(field) => Err(wrong_type(&field, "UINT8 (2)")),
        }
    };
    Ok(match (byte("r")?, byte("g")?, byte("b")?) {
        (Some(red), Some(green), Some(blue)) => Some(ColourLayout::Separate { red, green, blue }),
        _ => None,
    })
}
