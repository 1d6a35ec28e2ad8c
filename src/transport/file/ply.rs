//! `.ply` files: the element `vertex`, ascii or binary of either byte order; faces and everything
//! else is passed over.
//!
//! The crate `ply-rs-bw` keeps every point as a hash map of boxed names, about 1 kB a point, and
//! cannot pass over elements; it serves as oracle in the tests.

use std::path::Path;

use super::columns::{Column, ScalarType, into_cloud};
use super::{FileCloud, FileError, FileFormat, MOST_POINTS, read_all};

/// Longest header that is taken for real.
const LONGEST_HEADER: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Little,
    Big,
}

#[derive(Clone, Copy, Debug)]
enum Property {
    One(ScalarType),
    List { length: ScalarType, item: ScalarType },
}

struct Element {
    name: String,
    count: usize,
    properties: Vec<(String, Property)>,
}

/// Reads a file.
pub fn read(path: &Path) -> Result<FileCloud, FileError> {
    parse(path, &read_all(path)?)
}

/// Reads the bytes of a file.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<FileCloud, FileError> {
    let (encoding, elements, body) = parse_header(path, bytes)?;
    let names = || elements.iter().map(|element| element.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(at) = elements.iter().position(|element| element.name == "vertex") else {
        return Err(FileError::malformed(path, "header", "the element vertex", names()));
    };
    let vertex = &elements[at];
    let has =
        |wanted: &str| vertex.properties.iter().any(|(name, kind)| name == wanted && matches!(kind, Property::One(_)));
    if !["x", "y", "z"].into_iter().all(has) {
        let fields = vertex.properties.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(FileError::NoPosition { path: path.to_owned(), fields });
    }
    let text;
    let mut values = if encoding == Encoding::Ascii {
        text = String::from_utf8_lossy(body);
        Values::Text(text.split_ascii_whitespace())
    } else {
        Values::Binary { rest: body, big: encoding == Encoding::Big }
    };
    for element in &elements[..at] {
        pass_over(path, element, &mut values)?;
    }
    let columns = read_vertices(path, vertex, &mut values, body.len())?;
    let (cloud, extra) = into_cloud(path, columns)?;
    Ok(FileCloud { extra, ..FileCloud::unorganised(cloud, FileFormat::Ply) })
}

fn parse_header<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Encoding, Vec<Element>, &'a [u8]), FileError> {
    let malformed = |expected: &str, found: &str| FileError::malformed(path, "header", expected, found);
    let mut rest = bytes;
    let mut encoding = None;
    let mut elements: Vec<Element> = Vec::new();
    loop {
        if bytes.len() - rest.len() > LONGEST_HEADER {
            return Err(malformed("the line end_header within 1 MiB", "none"));
        }
        let Some(end) = rest.iter().take(LONGEST_HEADER).position(|&byte| byte == b'\n') else {
            return Err(malformed("the line end_header", "the end of the file"));
        };
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let scalar = |word: &str| scalar_type(word).ok_or_else(|| malformed("a type of number", word));
        match words.as_slice() {
            [] | ["ply"] | ["comment", ..] | ["obj_info", ..] => {}
            ["format", "ascii", _] => encoding = Some(Encoding::Ascii),
            ["format", "binary_little_endian", _] => encoding = Some(Encoding::Little),
            ["format", "binary_big_endian", _] => encoding = Some(Encoding::Big),
            ["element", name, count] => {
                let count = count.parse().map_err(|_| malformed("a number of elements", count))?;
                elements.push(Element { name: (*name).to_owned(), count, properties: Vec::new() });
            }
            ["property", rest @ ..] => {
                let element =
                    elements.last_mut().ok_or_else(|| malformed("an element before its properties", &line))?;
                let (name, property) = match rest {
                    ["list", length, item, name] => {
                        (name, Property::List { length: scalar(length)?, item: scalar(item)? })
                    }
                    [kind, name] => (name, Property::One(scalar(kind)?)),
                    _ => return Err(malformed("a property", &line)),
                };
                element.properties.push(((*name).to_owned(), property));
            }
            ["end_header"] => break,
            _ => return Err(malformed("a keyword of the format", &line)),
        }
    }
    let encoding = encoding.ok_or_else(|| malformed("a line format", "none"))?;
    Ok((encoding, elements, rest))
}

fn scalar_type(word: &str) -> Option<ScalarType> {
    Some(match word {
        "char" | "int8" => ScalarType::I8,
        "uchar" | "uint8" => ScalarType::U8,
        "short" | "int16" => ScalarType::I16,
        "ushort" | "uint16" => ScalarType::U16,
        "int" | "int32" => ScalarType::I32,
        "uint" | "uint32" => ScalarType::U32,
        "float" | "float32" => ScalarType::F32,
        "double" | "float64" => ScalarType::F64,
        _ => return None,
    })
}

/// Numbers one after another, whatever the encoding.
enum Values<'a> {
    Text(std::str::SplitAsciiWhitespace<'a>),
    Binary { rest: &'a [u8], big: bool },
}

impl<'a> Values<'a> {
    /// Appends the next number as little-endian bytes; `Err` with what came instead.
    fn next(&mut self, scalar: ScalarType, bytes: &mut Vec<u8>) -> Result<(), &'a str> {
        match self {
            Self::Text(words) => {
                let word = words.next().ok_or("the end of the file")?;
                scalar.parse(word, bytes).ok_or(word)
            }
            Self::Binary { rest, big } => {
                let (value, after) = rest.split_at_checked(scalar.size()).ok_or("the end of the file")?;
                *rest = after;
                let begin = bytes.len();
                bytes.extend_from_slice(value);
                if *big {
                    bytes[begin..].reverse();
                }
                Ok(())
            }
        }
    }

    /// Passes over `count` numbers.
    fn skip(&mut self, scalar: ScalarType, count: usize) -> Result<(), &'a str> {
        match self {
            Self::Text(words) => {
                for _ in 0..count {
                    words.next().ok_or("the end of the file")?;
                }
            }
            Self::Binary { rest, .. } => {
                let size = scalar.size().checked_mul(count).ok_or("an impossible length")?;
                *rest = rest.split_at_checked(size).ok_or("the end of the file")?.1;
            }
        }
        Ok(())
    }

    fn skip_list(&mut self, length: ScalarType, item: ScalarType, scratch: &mut Vec<u8>) -> Result<(), &'a str> {
        scratch.clear();
        self.next(length, scratch)?;
        let count = length.value(scratch);
        if !(0.0..=f64::from(u32::MAX)).contains(&count) {
            return Err("an impossible length of a list");
        }
        self.skip(item, count as usize)
    }
}

fn pass_over(path: &Path, element: &Element, values: &mut Values<'_>) -> Result<(), FileError> {
    // Nothing is stored for such an element, however many it states.
    if element.properties.is_empty() {
        return Ok(());
    }
    let mut scratch = Vec::new();
    for index in 0..element.count {
        for (name, property) in &element.properties {
            let result = match *property {
                Property::One(scalar) => values.skip(scalar, 1),
                Property::List { length, item } => values.skip_list(length, item, &mut scratch),
            };
            let part = || format!("element {} {index}, property {name}", element.name);
            result.map_err(|found| FileError::malformed(path, part(), "a number", found))?;
        }
    }
    Ok(())
}

fn read_vertices(
    path: &Path,
    vertex: &Element,
    values: &mut Values<'_>,
    body: usize,
) -> Result<Vec<Column>, FileError> {
    // Checked before anything is allocated. A word takes a character and a separator.
    let least = |property: &Property| match (&*values, property) {
        (Values::Text(_), _) => 2,
        (Values::Binary { .. }, Property::One(scalar) | Property::List { length: scalar, .. }) => scalar.size() as u64,
    };
    let per_point: u64 = vertex.properties.iter().map(|(_, property)| least(property)).sum();
    let available = match values {
        Values::Text(_) => body as u64 + 1,
        Values::Binary { rest, .. } => rest.len() as u64,
    };
    let expected = per_point.saturating_mul(vertex.count as u64);
    if expected > available || vertex.count as u64 > MOST_POINTS {
        return Err(FileError::Truncated {
            path: path.to_owned(),
            part: "the vertices".into(),
            expected,
            found: available,
        });
    }
    let mut columns: Vec<Option<Column>> = vertex
        .properties
        .iter()
        .map(|(name, property)| match *property {
            Property::One(scalar) => Some(Column {
                name: name.clone(),
                scalar,
                count: 1,
                bytes: Vec::with_capacity(vertex.count * scalar.size()),
            }),
            Property::List { .. } => None,
        })
        .collect();
    let mut scratch = Vec::new();
    for point in 0..vertex.count {
        for ((name, property), column) in vertex.properties.iter().zip(&mut columns) {
            let result = match (*property, column) {
                (Property::One(scalar), Some(column)) => values.next(scalar, &mut column.bytes),
                (Property::List { length, item }, _) => values.skip_list(length, item, &mut scratch),
                (Property::One(scalar), None) => values.skip(scalar, 1),
            };
            let part = || format!("vertex {point}, property {name}");
            result.map_err(|found| FileError::malformed(path, part(), "a number", found))?;
        }
    }
    Ok(columns.into_iter().flatten().collect())
}
