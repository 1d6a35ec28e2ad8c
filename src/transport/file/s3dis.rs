//! A room of the raw data set, `Stanford3dDataset_v1.2_Aligned_Version`.
//!
//! A room is a folder `Area_k/room` with `Annotations/class_i.txt`: one file an instance, one line a
//! point, `x y z r g b`, metres and 0–255. Source of the rules: `collect_point_label` of the seeds'
//! `indoor3d_util.py` (from PointNet). The quirks of the published files:
//!
//! * a control byte between two numbers (`Area_5/hallway_6/Annotations/ceiling_1.txt`, line 180389)
//!   counts as a space;
//! * `stairs` are clutter;
//! * whatever is no `.txt` (`.DS_Store`, folders) is passed over.
//!
//! The room is moved so that its smallest x, y and z are zero.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{FileError, MOST_POINTS, read_all};
use crate::cloud::{Cloud, LabelledCloud};
use crate::sim::{CLASSES, Class};

/// Folder of a room that holds its instances.
pub(super) const ANNOTATIONS: &str = "Annotations";

/// Numbers in a line.
const NUMBERS: usize = 6;

/// Whether a folder is a room of the raw data set.
pub fn is_room_folder(path: &Path) -> bool {
    path.join(ANNOTATIONS).is_dir()
}

/// One instance: its file, and class.
struct Annotation {
    path: PathBuf,
    class: u8,
}

/// The points of an annotation, positions not yet moved.
#[derive(Default)]
struct Points {
    position: Vec<[f64; 3]>,
    colour: Vec<[u8; 3]>,
}

/// Reads a room folder. Instances are numbered from 0 in the order of their names, numbers in names
/// by their value.
///
/// # Errors
/// [`FileError`], naming the file and line, what was expected and what came.
pub fn read_room_folder(path: &Path) -> Result<LabelledCloud, FileError> {
    let folder = path.join(ANNOTATIONS);
    let annotations = list(&folder)?;
    let points: Vec<Points> =
        annotations.par_iter().map(|annotation| read_points(&annotation.path)).collect::<Result<_, _>>()?;
    let total: usize = points.iter().map(|points| points.position.len()).sum();
    if total == 0 {
        return Err(FileError::malformed(&folder, "all files", "at least one point", "none"));
    }
    if total as u64 > MOST_POINTS {
        return Err(FileError::malformed(
            &folder,
            "all files",
            format!("at most {MOST_POINTS} points"),
            total.to_string(),
        ));
    }
    let mut minimum = [f64::INFINITY; 3];
    for position in points.iter().flat_map(|points| &points.position) {
        minimum = std::array::from_fn(|axis| minimum[axis].min(position[axis]));
    }
    let mut room = LabelledCloud::default();
    let mut colours = Vec::with_capacity(total);
    room.cloud.position.reserve(total);
    for (instance, (annotation, points)) in annotations.iter().zip(points).enumerate() {
        let moved = |p: &[f64; 3]| std::array::from_fn(|axis| (p[axis] - minimum[axis]) as f32);
        room.cloud.position.extend(points.position.iter().map(moved));
        colours.extend(points.colour);
        room.class.resize(room.cloud.len(), annotation.class);
        room.instance.resize(room.cloud.len(), instance as i32);
    }
    room.cloud = Cloud { position: room.cloud.position, colour: Some(colours) };
    Ok(room)
}

fn list(folder: &Path) -> Result<Vec<Annotation>, FileError> {
    let refuse = |source| FileError::io(folder, "list", source);
    let mut annotations = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        let is_text = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_text && !is_hidden && path.is_file() {
            let class = class_of(&path)?;
            annotations.push(Annotation { path, class });
        }
    }
    if annotations.is_empty() {
        return Err(FileError::malformed(folder, "folder", "files like chair_1.txt", "none"));
    }
    annotations.sort_by(|a, b| by_name(&a.path, &b.path));
    Ok(annotations)
}

/// The class that stands before the `_` of a file's name.
fn class_of(path: &Path) -> Result<u8, FileError> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let word = name.split('_').next().unwrap_or_default();
    match CLASSES.iter().position(|&class| class == word) {
        Some(class) => Ok(class as u8),
        // The seeds make any unknown word clutter, so as to catch these two.
        None if matches!(word, "stairs" | "staris") => Ok(Class::Clutter as u8),
        None => {
            let expected = format!("a class before the first _: {}, stairs", CLASSES.join(", "));
            Err(FileError::malformed(path, "file name", expected, word))
        }
    }
}

/// `chair_2` before `chair_10`.
fn by_name(a: &Path, b: &Path) -> Ordering {
    let key = |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (word, number) = name.rsplit_once('_').unwrap_or((name.as_str(), ""));
        (word.to_owned(), number.parse::<u64>().unwrap_or(u64::MAX))
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

fn read_points(path: &Path) -> Result<Points, FileError> {
    let bytes = read_all(path)?;
    let mut points = Points::default();
    for (line, text) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let refuse = |expected: &str, found: &[u8]| {
            let found = String::from_utf8_lossy(found).trim().to_owned();
            FileError::malformed(path, format!("line {}", line + 1), expected, found)
        };
        let Some(numbers) = numbers(text).map_err(|found| refuse("six numbers, x y z r g b", found))? else {
            continue;
        };
        let [x, y, z, colour @ ..] = numbers;
        // Beyond a few hundred kilometres it is no building, and a binary32 no longer tells points apart.
        if ![x, y, z].iter().all(|value| value.abs() < 1e6) {
            return Err(refuse("finite coordinates in metres", text));
        }
        if !colour.iter().all(|value| (0.0..=255.0).contains(value)) {
            return Err(refuse("colours from 0 to 255", text));
        }
        points.position.push([x, y, z]);
        points.colour.push(colour.map(|value| value.round() as u8));
    }
    Ok(points)
}

/// The numbers of a line; `None` for an empty one; what cannot be read otherwise.
fn numbers(line: &[u8]) -> Result<Option<[f64; NUMBERS]>, &[u8]> {
    let mut numbers = [0.0; NUMBERS];
    let mut count = 0;
    let mut rest = skip_gap(line);
    while !rest.is_empty() {
        let (value, length) = fast_float2::parse_partial(rest).map_err(|_| rest)?;
        *numbers.get_mut(count).ok_or(line)? = value;
        count += 1;
        let gap = skip_gap(&rest[length..]);
        // "1.5x" is no number, though it begins like one.
        if gap.len() == rest.len() - length && !gap.is_empty() {
            return Err(rest);
        }
        rest = gap;
    }
    match count {
        0 => Ok(None),
        NUMBERS => Ok(Some(numbers)),
        _ => Err(line),
    }
}

/// What follows the spaces and control bytes.
fn skip_gap(bytes: &[u8]) -> &[u8] {
    let gap = bytes.iter().take_while(|&&byte| byte <= b' ' || byte == 0x7f).count();
    &bytes[gap..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Result<LabelledCloud, FileError>) {
        let folder = tempfile::tempdir().expect("a folder");
        let annotations = folder.path().join(ANNOTATIONS);
        std::fs::create_dir(&annotations).expect("writable");
        for (name, bytes) in files {
            std::fs::write(annotations.join(name), bytes).expect("writable");
        }
        assert!(is_room_folder(folder.path()));
        let room = read_room_folder(folder.path());
        (folder, room)
    }

    fn error(files: &[(&str, &[u8])]) -> String {
        room(files).1.expect_err("bad input").to_string()
    }

    #[test]
    fn a_room_with_every_known_quirk() {
        let (_folder, room) = room(&[
            ("chair_10.txt", b"-20.5 30.25 1.5 255 0 7\n"),
            ("chair_2.txt", b"-20.0 30.5 1.0 1 2 3\r\n\r\n-19.5 31.0 0.5 4.000000 5 6\r\n"),
            ("Ceiling_1.txt", b"-21.0 31.0 3.5 185\x10187 1"),
            ("stairs_1.txt", b"-20.0 30.0 0.5 9 9 9\n"),
            (".DS_Store", b"\0\0\0\x01Bud1"),
            ("._chair_1.txt", b"\0\x05\x16\x07"),
            ("notes.md", b"none of this"),
        ]);
        let room = room.expect("a sound room");
        assert_eq!(room.class, [0, 8, 8, 8, 12]);
        assert_eq!(room.instance, [0, 1, 1, 2, 3]);
        assert_eq!(room.cloud.position[0], [0.0, 1.0, 3.0]);
        assert_eq!(room.cloud.position[2], [1.5, 1.0, 0.0]);
        assert_eq!(room.cloud.position[3], [0.5, 0.25, 1.0]);
        let colour = room.cloud.colour.expect("colours");
        assert_eq!(colour, [[185, 187, 1], [1, 2, 3], [4, 5, 6], [255, 0, 7], [9, 9, 9]]);
    }

    #[test]
    fn bad_lines_are_named() {
        let bad = |line: &[u8]| error(&[("wall_1.txt", &[b"1 2 3 4 5 6\n", line].concat())]);
        for line in [&b"1 2 3 4 5"[..], b"1 2 3 4 5 6 7", b"1 2 3 4 5 six", b"1 2 3x 4 5 6", b"1 2 3 4 5 6\xff"] {
            let text = bad(line);
            assert!(text.contains("wall_1.txt, line 2: expected six numbers"), "{text}");
        }
        assert!(bad(b"nan 2 3 4 5 6").contains("line 2: expected finite coordinates"), "{}", bad(b"nan 2 3 4 5 6"));
        assert!(bad(b"1 2 inf 4 5 6").contains("finite"));
        assert!(bad(b"1 2 3 256 5 6").contains("colours from 0 to 255"));
        assert!(bad(b"1 2 3 4 nan 6").contains("colours from 0 to 255"));
    }

    #[test]
    fn bad_names_and_empty_rooms_are_named() {
        let text = error(&[("lamp_1.txt", b"1 2 3 4 5 6\n")]);
        assert!(text.contains("lamp_1.txt, file name: expected a class") && text.ends_with("found lamp"), "{text}");
        assert!(error(&[("readme.md", b"")]).contains("expected files like chair_1.txt"));
        assert!(error(&[("wall_1.txt", b"\n \n")]).contains("expected at least one point"));
    }
}
