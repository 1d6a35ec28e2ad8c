//! `.npy` and `.npz` files: NumPy arrays of points and labels.
//!
//! The header is parsed here: the crate `npyz` allocates what a damaged header asks for, multiplies
//! a shape without looking and recurses as deep as brackets go. Its zip archive is used.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::columns::ScalarType;
use super::{FileCloud, FileError, FileFormat, MOST_POINTS, read_all};
use crate::cloud::{Cloud, LabelledCloud};

/// Longest header that is taken for real.
const LONGEST_HEADER: usize = 1 << 16;

/// An array of two dimensions (one counts as a single column), values as `f64`, row by row.
struct Array {
    rows: usize,
    columns: usize,
    scalar: ScalarType,
    values: Vec<f64>,
}

impl Array {
    fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns..][..self.columns]
    }
}

/// Reads a cloud; columns beyond the sixth are labels and left out.
pub fn read_cloud(path: &Path) -> Result<FileCloud, FileError> {
    let array = parse(path, "array", &read_all(path)?)?;
    check_columns(path, &array, &[3, 6, 7, 8])?;
    Ok(FileCloud::unorganised(cloud_of(&array), FileFormat::Npy))
}

/// Reads a room of seven or eight columns.
pub fn read_room(path: &Path) -> Result<LabelledCloud, FileError> {
    let array = parse(path, "array", &read_all(path)?)?;
    check_columns(path, &array, &[7, 8])?;
    let column = |index: usize| (0..array.rows).map(|row| array.row(row)[index]).collect::<Vec<_>>();
    let class = classes(path, "column 6", &column(6))?;
    let instance = if array.columns == 8 { instances(path, "column 7", &column(7))? } else { vec![-1; array.rows] };
    Ok(LabelledCloud { cloud: cloud_of(&array), class, instance })
}

fn check_columns(path: &Path, array: &Array, allowed: &[usize]) -> Result<(), FileError> {
    if !array.scalar.is_float() {
        return Err(FileError::malformed(path, "array", "numbers of type f4 or f8", format!("{:?}", array.scalar)));
    }
    if allowed.contains(&array.columns) {
        return Ok(());
    }
    let expected = format!("{allowed:?} columns: x y z, r g b, class, instance");
    Err(FileError::malformed(path, "array", expected, format!("shape ({}, {})", array.rows, array.columns)))
}

fn position_of(row: &[f64]) -> [f32; 3] {
    [row[0] as f32, row[1] as f32, row[2] as f32]
}

fn cloud_of(array: &Array) -> Cloud {
    let position = (0..array.rows).map(|row| position_of(array.row(row))).collect();
    let colour = (array.columns >= 6).then(|| colours((0..array.rows).map(|row| &array.row(row)[3..6])));
    Cloud { position, colour }
}

/// Colours 0..=255; or 0..=1 when none is above 1 and some lie between.
fn colours<'a>(rows: impl Iterator<Item = &'a [f64]> + Clone) -> Vec<[u8; 3]> {
    let mut values = rows.clone().flatten();
    let is_unit =
        values.clone().all(|&value| value.is_nan() || value <= 1.0) && values.any(|value| value.fract() != 0.0);
    let scale = if is_unit { 255.0 } else { 1.0 };
    let byte = |value: f64| (value * scale).round().clamp(0.0, 255.0) as u8;
    rows.map(|row| [byte(row[0]), byte(row[1]), byte(row[2])]).collect()
}

fn classes(path: &Path, part: &str, values: &[f64]) -> Result<Vec<u8>, FileError> {
    // −1 is a common word for "unlabelled"; scores know it as 255.
    let class = |(row, &value): (usize, &f64)| match value {
        -1.0 => Ok(255),
        _ if value.fract() == 0.0 && (0.0..=255.0).contains(&value) => Ok(value as u8),
        _ => Err(FileError::malformed(path, format!("{part}, row {row}"), "a class 0–255", value.to_string())),
    };
    values.iter().enumerate().map(class).collect()
}

fn instances(path: &Path, part: &str, values: &[f64]) -> Result<Vec<i32>, FileError> {
    let instance = |(row, &value): (usize, &f64)| {
        if value.fract() == 0.0 && (-1.0..=f64::from(i32::MAX)).contains(&value) {
            return Ok(value as i32);
        }
        Err(FileError::malformed(path, format!("{part}, row {row}"), "an instance, or −1", value.to_string()))
    };
    values.iter().enumerate().map(instance).collect()
}

/// Reads the cloud of an archive.
pub fn read_zip_cloud(path: &Path) -> Result<FileCloud, FileError> {
    let mut archive = Archive::open(path)?;
    let cloud = archive.cloud()?;
    Ok(FileCloud::unorganised(cloud, FileFormat::Npz))
}

/// Reads the room of an archive.
pub fn read_zip_room(path: &Path) -> Result<LabelledCloud, FileError> {
    let mut archive = Archive::open(path)?;
    let cloud = archive.cloud()?;
    let sem = archive.column("sem", cloud.len())?;
    let sem = sem.ok_or_else(|| archive.missing("sem"))?;
    let class = classes(path, "sem", &sem)?;
    let instance = match archive.column("ins", cloud.len())? {
        Some(ins) => instances(path, "ins", &ins)?,
        None => vec![-1; cloud.len()],
    };
    Ok(LabelledCloud { cloud, class, instance })
}

/// A `.npz` file.
struct Archive<'a> {
    path: &'a Path,
    inner: npyz::npz::NpzArchive<BufReader<File>>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self, FileError> {
        let inner =
            npyz::npz::NpzArchive::open(path).map_err(|source| FileError::io(path, "open as a ZIP archive", source))?;
        Ok(Self { path, inner })
    }

    fn missing(&self, name: &str) -> FileError {
        let names = self.inner.array_names().collect::<Vec<_>>().join(", ");
        FileError::malformed(self.path, "archive", format!("an array {name}"), format!("the arrays {names}"))
    }

    /// Reads an array, if it is there. What it unpacks to is bounded by its own header.
    fn array(&mut self, name: &str) -> Result<Option<Array>, FileError> {
        let entry_name = format!("{name}.npy");
        let zip = self.inner.zip_archive();
        if !zip.file_names().any(|file| file == entry_name) {
            return Ok(None);
        }
        let path = self.path;
        let entry = zip.by_name(&entry_name);
        let entry = entry.map_err(|error| FileError::malformed(path, name, "a readable entry", error.to_string()))?;
        let most = MOST_POINTS * 3 * 8 + LONGEST_HEADER as u64;
        if entry.size() > most {
            return Err(FileError::malformed(path, name, format!("at most {most} bytes"), entry.size().to_string()));
        }
        let mut bytes = Vec::new();
        let stated = entry.size();
        entry.take(stated).read_to_end(&mut bytes).map_err(|source| FileError::io(path, "unpack", source))?;
        parse(path, name, &bytes).map(Some)
    }

    fn cloud(&mut self) -> Result<Cloud, FileError> {
        let xyz = self.array("xyz")?.ok_or_else(|| self.missing("xyz"))?;
        let three = |array: &Array, name: &str| {
            let found = format!("({}, {})", array.rows, array.columns);
            if array.columns == 3 { Ok(()) } else { Err(FileError::malformed(self.path, name, "shape (M, 3)", found)) }
        };
        three(&xyz, "xyz")?;
        let position = (0..xyz.rows).map(|row| position_of(xyz.row(row))).collect();
        let colour = match self.array("rgb")? {
            None => None,
            Some(rgb) => {
                let three = rgb.columns == 3 && rgb.rows == xyz.rows;
                if !three {
                    let found = format!("({}, {})", rgb.rows, rgb.columns);
                    return Err(FileError::malformed(self.path, "rgb", format!("shape ({}, 3)", xyz.rows), found));
                }
                Some(colours((0..rgb.rows).map(|row| rgb.row(row))))
            }
        };
        Ok(Cloud { position, colour })
    }

    fn column(&mut self, name: &str, rows: usize) -> Result<Option<Vec<f64>>, FileError> {
        let Some(array) = self.array(name)? else { return Ok(None) };
        if array.columns != 1 || array.rows != rows {
            let found = format!("({}, {})", array.rows, array.columns);
            return Err(FileError::malformed(self.path, name, format!("shape ({rows},)"), found));
        }
        Ok(Some(array.values))
    }
}

/// Parses an array of one or two dimensions.
fn parse(path: &Path, name: &str, bytes: &[u8]) -> Result<Array, FileError> {
    let malformed = |expected: &str, found: &str| FileError::malformed(path, name, expected, found);
    let cut_off = || malformed("a whole header", "the end of the file");
    let version = bytes.get(6).copied().ok_or_else(cut_off)?;
    let (length, begin) = match version {
        1 => (bytes.get(8..10).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]]))), 10),
        2 | 3 => (bytes.get(8..12).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize), 12),
        other => return Err(malformed("format version 1, 2 or 3", &other.to_string())),
    };
    let length = length.ok_or_else(cut_off)?;
    if length > LONGEST_HEADER {
        return Err(malformed("a header of at most 64 KiB", &length.to_string()));
    }
    let header = bytes.get(begin..begin + length).ok_or_else(cut_off)?;
    let data = &bytes[begin + length..];
    let header = String::from_utf8_lossy(header);
    let value = |key: &str| {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let rest = quoted.iter().find_map(|key| header.split_once(key.as_str())).map(|(_, rest)| rest);
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(':')).map(str::trim_start);
        rest.ok_or_else(|| malformed(&format!("the key {key}"), header.trim_end()))
    };

    let descr = value("descr")?;
    let quote = descr.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    let kind = quote.and_then(|quote| descr[1..].split(quote).next());
    let kind = kind.ok_or_else(|| malformed("a plain type of number", descr.trim_end()))?;
    let (scalar, is_big) = scalar_type(kind).ok_or_else(|| malformed("a type of number", kind))?;
    let by_column = value("fortran_order")?.starts_with("True");
    let shape = value("shape")?;
    let inner = shape.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inner, _)| inner);
    let sizes: Option<Vec<usize>> = inner.and_then(|inner| {
        inner
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| word.trim_end_matches('L').parse().ok())
            .collect()
    });
    let (rows, columns) = match sizes.as_deref() {
        Some(&[rows]) => (rows, 1),
        Some(&[rows, columns]) => (rows, columns),
        _ => return Err(malformed("a shape of one or two dimensions", shape.trim_end())),
    };
    let count = rows.checked_mul(columns).filter(|_| rows as u64 <= MOST_POINTS);
    let size = count.and_then(|count| count.checked_mul(scalar.size()));
    let (Some(count), Some(size)) = (count, size) else {
        return Err(malformed("at most 268435456 rows", &format!("shape ({rows}, {columns})")));
    };
    if data.len() < size {
        let (expected, found) = (size as u64, data.len() as u64);
        return Err(FileError::Truncated { path: path.to_owned(), part: name.into(), expected, found });
    }
    let at = |index: usize| {
        let mut bytes = [0; 8];
        let value = &mut bytes[..scalar.size()];
        value.copy_from_slice(&data[index * scalar.size()..][..scalar.size()]);
        if is_big {
            value.reverse();
        }
        scalar.value(value)
    };
    let values = if by_column {
        (0..count).map(|index| at(index % columns * rows + index / columns)).collect()
    } else {
        (0..count).map(at).collect()
    };
    Ok(Array { rows, columns, scalar, values })
}

/// Type and whether it is big-endian.
fn scalar_type(kind: &str) -> Option<(ScalarType, bool)> {
    let (order, name) = kind.split_at_checked(1)?;
    let scalar = match name {
        "f4" => ScalarType::F32,
        "f8" => ScalarType::F64,
        "i1" => ScalarType::I8,
        "u1" | "b1" => ScalarType::U8,
        "i2" => ScalarType::I16,
        "u2" => ScalarType::U16,
        "i4" => ScalarType::I32,
        "u4" => ScalarType::U32,
        "i8" => ScalarType::I64,
        "u8" => ScalarType::U64,
        _ => return None,
    };
    match order {
        "<" | "|" | "=" => Some((scalar, false)),
        ">" => Some((scalar, true)),
        _ => None,
    }
}
