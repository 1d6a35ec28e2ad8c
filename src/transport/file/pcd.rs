//! `.pcd` files of the Point Cloud Library, version 0.7 and before
//! (<https://pointclouds.org/documentation/tutorials/pcd_file_format.html>).

use std::path::Path;

use super::columns::{Column, ScalarType, into_cloud};
use super::{FileCloud, FileError, FileFormat, MOST_POINTS, read_all};

/// Longest header that is taken for real.
const LONGEST_HEADER: usize = 1 << 16;

/// LZF turns three bytes into at most 264.
const LZF_MOST: usize = 88;

struct Header {
    /// Name, type, count; columns called `_` are padding.
    fields: Vec<(String, ScalarType, usize)>,
    width: usize,
    height: usize,
    points: usize,
    viewpoint: Option<[f32; 7]>,
    data: String,
}

/// Reads a file.
pub fn read(path: &Path) -> Result<FileCloud, FileError> {
    parse(path, &read_all(path)?)
}

/// Reads the bytes of a file.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<FileCloud, FileError> {
    let (header, body) = parse_header(path, bytes)?;
    let positions = ["x", "y", "z"].iter().all(|wanted| header.fields.iter().any(|(name, ..)| name == wanted));
    if !positions {
        let fields = header.fields.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(FileError::NoPosition { path: path.to_owned(), fields });
    }
    let columns = match header.data.as_str() {
        "ascii" => ascii(path, &header, body)?,
        "binary" => {
            let size = byte_size(path, &header)?;
            let rows = body.get(..size).ok_or_else(|| truncated(path, "the points", size, body.len()))?;
            split_rows(&header, rows)
        }
        "binary_compressed" => split_columns(&header, &decompress(path, &header, body)?),
        other => return Err(FileError::malformed(path, "DATA", "ascii, binary or binary_compressed", other)),
    };
    let columns = columns.into_iter().filter(|column| column.name != "_").collect();
    let (cloud, extra) = into_cloud(path, columns)?;
    Ok(FileCloud {
        cloud,
        width: header.width,
        height: header.height,
        viewpoint: header.viewpoint,
        extra,
        format: FileFormat::Pcd,
    })
}

fn truncated(path: &Path, part: &str, expected: usize, found: usize) -> FileError {
    FileError::Truncated { path: path.to_owned(), part: part.into(), expected: expected as u64, found: found as u64 }
}

fn parse_header<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Header, &'a [u8]), FileError> {
    let malformed = |part: &str, expected: &str, found: &str| FileError::malformed(path, part, expected, found);
    let mut rest = bytes;
    let (mut names, mut sizes, mut types, mut counts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut width, mut height, mut points, mut viewpoint) = (None, None, None, None);
    let data = loop {
        if bytes.len() - rest.len() > LONGEST_HEADER {
            return Err(malformed("header", "the line DATA within 64 KiB", "none"));
        }
        let Some(end) = rest.iter().take(LONGEST_HEADER).position(|&byte| byte == b'\n') else {
            return Err(malformed("header", "the line DATA", "the end of the file"));
        };
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let mut words = line.split_ascii_whitespace();
        let Some(key) = words.next() else { continue };
        let values: Vec<&str> = words.collect();
        let number = |part: &str| {
            let first = values.first().copied().unwrap_or("nothing");
            first.parse::<usize>().map_err(|_| malformed(part, "a number", first))
        };
        match key {
            _ if key.starts_with('#') => {}
            "VERSION" => {}
            "FIELDS" | "COLUMNS" => names = values.iter().map(|&name| name.to_owned()).collect(),
            "SIZE" => sizes = values.iter().map(|&value| value.to_owned()).collect(),
            "TYPE" => types = values.iter().map(|&value| value.to_owned()).collect(),
            "COUNT" => counts = values.iter().map(|&value| value.to_owned()).collect(),
            "WIDTH" => width = Some(number("WIDTH")?),
            "HEIGHT" => height = Some(number("HEIGHT")?),
            "POINTS" => points = Some(number("POINTS")?),
            "VIEWPOINT" => {
                let parsed: Option<Vec<f32>> = values.iter().map(|value| value.parse().ok()).collect();
                let seven = parsed.and_then(|list| <[f32; 7]>::try_from(list).ok());
                viewpoint = Some(seven.ok_or_else(|| malformed("VIEWPOINT", "seven numbers", &line))?);
            }
            "DATA" => break values.first().copied().unwrap_or("nothing").to_ascii_lowercase(),
            other => return Err(malformed("header", "a keyword of the format", other)),
        }
    };
    let fields = parse_fields(path, names, &sizes, &types, &counts)?;
    let area = match (width, height) {
        (Some(width), height) => width.checked_mul(height.unwrap_or(1)),
        (None, _) => points,
    };
    let points = points.or(area).ok_or_else(|| malformed("header", "WIDTH and HEIGHT, or POINTS", "neither"))?;
    if area != Some(points) {
        let found = format!("POINTS {points}");
        return Err(malformed(
            "POINTS",
            &format!("WIDTH {} × HEIGHT {}", width.unwrap_or(0), height.unwrap_or(1)),
            &found,
        ));
    }
    if points as u64 > MOST_POINTS {
        return Err(malformed("POINTS", "at most 268435456", &points.to_string()));
    }
    let (width, height) = (width.unwrap_or(points), height.unwrap_or(1));
    Ok((Header { fields, width, height, points, viewpoint, data }, rest))
}

fn parse_fields(
    path: &Path,
    names: Vec<String>,
    sizes: &[String],
    types: &[String],
    counts: &[String],
) -> Result<Vec<(String, ScalarType, usize)>, FileError> {
    let expected = format!("{} values, one per field", names.len());
    for (part, list) in [("SIZE", sizes), ("TYPE", types), ("COUNT", counts)] {
        if list.len() != names.len() && !(part == "COUNT" && list.is_empty()) {
            return Err(FileError::malformed(path, part, expected, list.len().to_string()));
        }
    }
    let mut fields = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let scalar = match (types[index].as_str(), sizes[index].as_str()) {
            ("I", "1") => ScalarType::I8,
            ("U", "1") => ScalarType::U8,
            ("I", "2") => ScalarType::I16,
            ("U", "2") => ScalarType::U16,
            ("I", "4") => ScalarType::I32,
            ("U", "4") => ScalarType::U32,
            ("I", "8") => ScalarType::I64,
            ("U", "8") => ScalarType::U64,
            ("F", "4") => ScalarType::F32,
            ("F", "8") => ScalarType::F64,
            (kind, size) => {
                let found = format!("TYPE {kind} SIZE {size}");
                return Err(FileError::malformed(
                    path,
                    format!("field {name}"),
                    "TYPE I, U or F of SIZE 1, 2, 4 or 8",
                    found,
                ));
            }
        };
        let count = counts.get(index).map_or("1", String::as_str);
        let number = count.parse().ok().filter(|&count: &usize| count <= 1 << 16);
        let number = number.ok_or_else(|| FileError::malformed(path, format!("COUNT of {name}"), "a number", count))?;
        fields.push((name, scalar, number));
    }
    Ok(fields)
}

/// Bytes of all points, unpacked.
fn byte_size(path: &Path, header: &Header) -> Result<usize, FileError> {
    let stride = header
        .fields
        .iter()
        .try_fold(0_usize, |sum, (_, scalar, count)| sum.checked_add(scalar.size().checked_mul(*count)?));
    let size = stride.and_then(|stride| stride.checked_mul(header.points));
    size.ok_or_else(|| FileError::malformed(path, "header", "points that fit into memory", "more"))
}

fn empty_columns(header: &Header) -> Vec<Column> {
    let column = |(name, scalar, count): &(String, ScalarType, usize)| Column {
        name: name.clone(),
        scalar: *scalar,
        count: *count,
        bytes: Vec::with_capacity(header.points * scalar.size() * count),
    };
    header.fields.iter().map(column).collect()
}

fn split_rows(header: &Header, mut rows: &[u8]) -> Vec<Column> {
    let mut columns = empty_columns(header);
    for _ in 0..header.points {
        for column in &mut columns {
            let (value, rest) = rows.split_at(column.stride());
            column.bytes.extend_from_slice(value);
            rows = rest;
        }
    }
    columns
}

fn split_columns(header: &Header, mut bytes: &[u8]) -> Vec<Column> {
    let mut columns = empty_columns(header);
    for column in &mut columns {
        let (values, rest) = bytes.split_at(column.stride() * header.points);
        column.bytes.extend_from_slice(values);
        bytes = rest;
    }
    columns
}

fn decompress(path: &Path, header: &Header, body: &[u8]) -> Result<Vec<u8>, FileError> {
    let expected = byte_size(path, header)?;
    let Some((sizes, packed)) = body.split_first_chunk::<8>() else {
        return Err(truncated(path, "the sizes of the compressed points", 8, body.len()));
    };
    let size = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes")) as usize;
    let (packed_size, unpacked_size) = (size(&sizes[..4]), size(&sizes[4..]));
    if unpacked_size != expected {
        let found = format!("{unpacked_size} bytes");
        return Err(FileError::malformed(
            path,
            "compressed points",
            format!("{expected} bytes, as the header says"),
            found,
        ));
    }
    let packed =
        packed.get(..packed_size).ok_or_else(|| truncated(path, "the compressed points", packed_size, packed.len()))?;
    if expected == 0 {
        return Ok(Vec::new());
    }
    // Checked before the decoder allocates; its positions are 32-bit signed.
    if expected / LZF_MOST > packed_size || i32::try_from(expected).is_err() {
        let found = format!("{packed_size} bytes for {expected}");
        return Err(FileError::malformed(path, "compressed points", "what LZF can unpack", found));
    }
    let unpacked = lzf::decompress(packed, expected)
        .map_err(|error| FileError::malformed(path, "compressed points", "LZF", error.to_string()))?;
    if unpacked.len() != expected {
        return Err(truncated(path, "the unpacked points", expected, unpacked.len()));
    }
    Ok(unpacked)
}

fn ascii(path: &Path, header: &Header, body: &[u8]) -> Result<Vec<Column>, FileError> {
    let per_point: usize = header.fields.iter().map(|(_, _, count)| count).sum();
    // A value takes at least one character and one separator; checked before anything is allocated.
    let least = (header.points as u64).saturating_mul(2 * per_point as u64).saturating_sub(1);
    if least > body.len() as u64 {
        return Err(FileError::Truncated {
            path: path.to_owned(),
            part: "the points".into(),
            expected: least,
            found: body.len() as u64,
        });
    }
    let mut columns = empty_columns(header);
    let text = String::from_utf8_lossy(body);
    let mut words = text.split_ascii_whitespace();
    for point in 0..header.points {
        for column in &mut columns {
            for _ in 0..column.count {
                let part = || format!("point {point}, field {}", column.name);
                let Some(word) = words.next() else {
                    return Err(FileError::malformed(path, part(), "a number", "the end of the file"));
                };
                if column.scalar.parse(word, &mut column.bytes).is_none() {
                    return Err(FileError::malformed(
                        path,
                        part(),
                        format!("a number of type {:?}", column.scalar),
                        word,
                    ));
                }
            }
        }
    }
    Ok(columns)
}
