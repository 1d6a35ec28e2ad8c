//! Labelled clouds and annotated rooms out.
//!
//! Every point is one row of little-endian numbers: x y z, colour, label, instance, confidence,
//! then whatever else the input had.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use super::columns::{Column, ScalarType};
use super::{FileCloud, FileError};
use crate::cloud::{Cloud, LabelledCloud, Labels};
use crate::whole_file::WholeFile;

/// A cloud with what is known of its points.
#[derive(Clone, Copy, Debug)]
pub struct LabelledPoints<'a> {
    /// The points.
    pub cloud: &'a Cloud,
    /// Colour to write instead of the cloud's own, for example by class.
    pub colour: Option<&'a [[u8; 3]]>,
    /// What the runtime says of them, one entry per point.
    pub labels: &'a Labels,
    /// Points in a row, rows.
    pub organised: (usize, usize),
    /// Pose of the sensor, kept in `.pcd`.
    pub viewpoint: Option<[f32; 7]>,
    /// Further columns of the input. Those named like a column of ours are left out.
    pub extra: &'a [Column],
}

impl<'a> LabelledPoints<'a> {
    /// A cloud read from a file, with labels.
    pub fn of_file(file: &'a FileCloud, labels: &'a Labels) -> Self {
        Self {
            cloud: &file.cloud,
            colour: None,
            labels,
            organised: (file.width, file.height),
            viewpoint: file.viewpoint,
            extra: &file.extra,
        }
    }

    /// An unorganised cloud with labels.
    pub fn new(cloud: &'a Cloud, labels: &'a Labels) -> Self {
        Self { cloud, colour: None, labels, organised: (cloud.len(), 1), viewpoint: None, extra: &[] }
    }

    fn colour(&self) -> Option<&'a [[u8; 3]]> {
        self.colour.or(self.cloud.colour.as_deref())
    }

    /// Further columns that do not collide with ours.
    fn kept(&self) -> impl Iterator<Item = &'a Column> + use<'a> {
        const OURS: [&str; 12] =
            ["x", "y", "z", "rgb", "rgba", "red", "green", "blue", "label", "instance", "confidence", "_"];
        self.extra.iter().filter(|column| !OURS.contains(&column.name.as_str()) && column.count > 0)
    }

    fn check(&self) -> Result<(), FileError> {
        let expected = self.cloud.len();
        let (width, height) = self.organised;
        let own = [
            ("width × height", width.saturating_mul(height)),
            ("class", self.labels.class.len()),
            ("instance", self.labels.instance.len()),
            ("confidence", self.labels.confidence.len()),
            ("colour", self.colour().map_or(expected, <[_]>::len)),
        ];
        let own = own.into_iter().map(|(name, found)| (name.to_owned(), found));
        let kept = self.kept().map(|column| (column.name.clone(), column.len()));
        match own.chain(kept).find(|&(_, found)| found != expected) {
            Some((column, found)) => Err(FileError::Length { column, expected, found }),
            None => Ok(()),
        }
    }
}

/// Writes a labelled cloud as `.pcd` or `.ply`, by the ending of `path`.
///
/// `.pcd` (binary): `x y z` F4, `rgb` packed in U4, `label` U4 (as PCL's `PointXYZRGBL` has it;
/// 65535 = no class), `instance` U4, `confidence` F4. `.ply` (binary little-endian): `x y z` float,
/// `red green blue` uchar, `label` ushort, `instance` uint, `confidence` float.
///
/// # Errors
/// When columns differ in length, the ending is another, or the place cannot be written to; then
/// nothing is left there.
pub fn write_cloud(path: &Path, points: LabelledPoints<'_>) -> Result<(), FileError> {
    points.check()?;
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("pcd") => write_whole(path, |file| write_pcd(file, &points)),
        Some("ply") => write_whole(path, |file| write_ply(file, &points)),
        _ => Err(FileError::Ending { path: path.to_owned(), expected: ".pcd or .ply" }),
    }
}

/// Writes a room as `.npy`: (M, 8) f32, x y z r g b class instance.
///
/// # Errors
/// When columns differ in length, the ending is another, or the place cannot be written to; then
/// nothing is left there.
pub fn write_room(path: &Path, room: &LabelledCloud) -> Result<(), FileError> {
    let expected = room.cloud.len();
    let colours = room.cloud.colour.as_ref().map_or(expected, Vec::len);
    for (column, found) in [("colour", colours), ("class", room.class.len()), ("instance", room.instance.len())] {
        if found != expected {
            return Err(FileError::Length { column: column.into(), expected, found });
        }
    }
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("npy")) {
        return Err(FileError::Ending { path: path.to_owned(), expected: ".npy" });
    }
    write_whole(path, |file| {
        let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({expected}, 8), }}");
        // Data begin at a multiple of 64, as NumPy writes them.
        let padding = 63 - (10 + header.len()) % 64;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(header.len() as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for point in 0..expected {
            let [x, y, z] = room.cloud.position[point];
            let [r, g, b] = room.cloud.colour.as_ref().map_or([0; 3], |colour| colour[point]);
            let label = [f32::from(room.class[point]), room.instance[point] as f32];
            let row = [x, y, z, f32::from(r), f32::from(g), f32::from(b), label[0], label[1]];
            for value in row {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    })
}

fn write_whole(path: &Path, write: impl FnOnce(&mut WholeFile) -> io::Result<()>) -> Result<(), FileError> {
    let failed = |source| FileError::io(path, "write", source);
    let mut file = WholeFile::create(path).map_err(failed)?;
    write(&mut file).map_err(failed)?;
    file.commit().map_err(failed)
}

/// Name, bytes per number, kind, numbers per point.
type Field<'a> = (&'a str, usize, char, usize);

fn write_pcd(file: &mut WholeFile, points: &LabelledPoints<'_>) -> io::Result<()> {
    let mut fields: Vec<Field<'_>> = vec![("x", 4, 'F', 1), ("y", 4, 'F', 1), ("z", 4, 'F', 1)];
    if points.colour().is_some() {
        fields.push(("rgb", 4, 'U', 1));
    }
    fields.extend([("label", 4, 'U', 1), ("instance", 4, 'U', 1), ("confidence", 4, 'F', 1)]);
    let kept: Vec<&Column> = points.kept().collect();
    for column in &kept {
        let kind = match column.scalar {
            ScalarType::F32 | ScalarType::F64 => 'F',
            ScalarType::I8 | ScalarType::I16 | ScalarType::I32 | ScalarType::I64 => 'I',
            _ => 'U',
        };
        fields.push((&column.name, column.scalar.size(), kind, column.count));
    }
    let list = |each: fn(&Field<'_>) -> String| fields.iter().map(each).collect::<Vec<_>>().join(" ");
    let viewpoint = points.viewpoint.unwrap_or([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let viewpoint = viewpoint.map(|value| value.to_string()).join(" ");
    let (width, height) = points.organised;
    write!(
        file,
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS {}\nSIZE {}\nTYPE {}\nCOUNT {}\n\
         WIDTH {width}\nHEIGHT {height}\nVIEWPOINT {viewpoint}\nPOINTS {}\nDATA binary\n",
        list(|field| field.0.to_owned()),
        list(|field| field.1.to_string()),
        list(|field| field.2.to_string()),
        list(|field| field.3.to_string()),
        points.cloud.len(),
    )?;
    for point in 0..points.cloud.len() {
        write_position(file, points, point)?;
        if let Some(colour) = points.colour() {
            let [r, g, b] = colour[point];
            file.write_all(&[b, g, r, 0])?;
        }
        file.write_all(&u32::from(points.labels.class[point]).to_le_bytes())?;
        write_rest(file, points, &kept, point)?;
    }
    Ok(())
}

fn write_ply(file: &mut WholeFile, points: &LabelledPoints<'_>) -> io::Result<()> {
    // The format has neither 64-bit integers nor several numbers per property.
    let kept: Vec<&Column> =
        points.kept().filter(|column| column.count == 1 && ply_name(column.scalar).is_some()).collect();
    let mut header = format!("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", points.cloud.len());
    header += "property float x\nproperty float y\nproperty float z\n";
    if points.colour().is_some() {
        header += "property uchar red\nproperty uchar green\nproperty uchar blue\n";
    }
    header += "property ushort label\nproperty uint instance\nproperty float confidence\n";
    for column in &kept {
        let kind = ply_name(column.scalar).unwrap_or_default();
        writeln!(header, "property {kind} {}", column.name).map_err(io::Error::other)?;
    }
    header += "end_header\n";
    file.write_all(header.as_bytes())?;
    for point in 0..points.cloud.len() {
        write_position(file, points, point)?;
        if let Some(colour) = points.colour() {
            file.write_all(&colour[point])?;
        }
        file.write_all(&points.labels.class[point].to_le_bytes())?;
        write_rest(file, points, &kept, point)?;
    }
    Ok(())
}

fn ply_name(scalar: ScalarType) -> Option<&'static str> {
    Some(match scalar {
        ScalarType::I8 => "char",
        ScalarType::U8 => "uchar",
        ScalarType::I16 => "short",
        ScalarType::U16 => "ushort",
        ScalarType::I32 => "int",
        ScalarType::U32 => "uint",
        ScalarType::F32 => "float",
        ScalarType::F64 => "double",
        ScalarType::I64 | ScalarType::U64 => return None,
    })
}

fn write_position(file: &mut WholeFile, points: &LabelledPoints<'_>, point: usize) -> io::Result<()> {
    points.cloud.position[point].iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
}

/// Instance, confidence and the further columns of a point.
fn write_rest(file: &mut WholeFile, points: &LabelledPoints<'_>, kept: &[&Column], point: usize) -> io::Result<()> {
    file.write_all(&points.labels.instance[point].to_le_bytes())?;
    file.write_all(&points.labels.confidence[point].to_le_bytes())?;
    kept.iter().try_for_each(|column| file.write_all(&column.bytes[point * column.stride()..][..column.stride()]))
}
