//! Where rooms are: files, and folders of the raw data set.

use std::path::{Path, PathBuf};

use super::s3dis::is_room_folder;
use super::{FileError, s3dis};

/// The rooms at a place, by name.
///
/// A file, or a room folder of the raw data set, is a room itself. In any other folder the rooms
/// are its `.npy` and `.npz` files, its room folders, and those of its `Area_1` to `Area_6`.
///
/// # Errors
/// When the place cannot be read, or holds no room.
pub fn find_rooms(place: &Path) -> Result<Vec<PathBuf>, FileError> {
    let looked_at = std::fs::metadata(place).map_err(|source| FileError::io(place, "look at", source))?;
    if !looked_at.is_dir() || is_room_folder(place) {
        return Ok(vec![place.to_owned()]);
    }
    let mut rooms = Vec::new();
    for path in list(place)? {
        if is_room_file(&path) || is_room_folder(&path) {
            rooms.push(path);
        } else if path.is_dir() && area_in(&path.file_name().unwrap_or_default().to_string_lossy()).is_some() {
            rooms.extend(list(&path)?.into_iter().filter(|room| is_room_folder(room) || is_room_file(room)));
        }
    }
    if rooms.is_empty() {
        let expected = "rooms (.npy, .npz, or folders with Annotations)";
        return Err(FileError::malformed(place, "folder", expected, "none"));
    }
    Ok(rooms)
}

/// Sorted by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let refuse = |source| FileError::io(folder, "list", source);
    let entries = std::fs::read_dir(folder).map_err(refuse)?;
    let mut paths = entries.map(|entry| Ok(entry.map_err(refuse)?.path())).collect::<Result<Vec<_>, FileError>>()?;
    paths.sort();
    Ok(paths)
}

fn is_room_file(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    path.is_file() && (extension.eq_ignore_ascii_case("npy") || extension.eq_ignore_ascii_case("npz"))
}

/// The area of S3DIS that a room belongs to: `Area_5` in its own name (`Area_5_office_1.npy`) or in
/// that of a folder above it, the nearest first.
pub fn area_of(room: &Path) -> Option<u8> {
    room.components().rev().find_map(|name| area_in(&name.as_os_str().to_string_lossy()))
}

fn area_in(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    let digits = name.strip_prefix("area_")?;
    let (number, rest) = digits.split_at_checked(1)?;
    let ends = rest.is_empty() || rest.starts_with(['_', '.']);
    number.parse().ok().filter(|area| ends && (1..=6).contains(area))
}

/// Bytes of a room on disk: of the file, or of all annotations of a room folder.
///
/// # Errors
/// When they cannot be asked for.
pub fn room_bytes(room: &Path) -> Result<u64, FileError> {
    let size = |path: &Path| {
        let metadata = std::fs::metadata(path).map_err(|source| FileError::io(path, "look at", source))?;
        Ok(metadata.len())
    };
    if !is_room_folder(room) {
        return size(room);
    }
    list(&room.join(s3dis::ANNOTATIONS))?.iter().map(|path| size(path)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_told_by_name() {
        for (path, area) in [
            ("data/Area_5/office_1", Some(5)),
            ("Area_3_conferenceRoom_1.npy", Some(3)),
            ("/s3dis/area_6/Area_1_hallway_2.npy", Some(1)),
            ("rooms/room_000100.npy", None),
            ("Area_7/office_1", None),
            ("Area_51/office_1", None),
        ] {
            assert_eq!(area_of(Path::new(path)), area, "{path}");
        }
    }

    #[test]
    fn rooms_of_every_kind_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |name: &str| std::fs::create_dir_all(folder.path().join(name)).expect("writable");
        make("Area_1/office_2/Annotations");
        make("Area_1/office_1/Annotations");
        make("Area_1/empty");
        make("lobby/Annotations");
        make("runs/office_1/Annotations");
        std::fs::write(folder.path().join("b.npy"), [0; 10]).expect("writable");
        std::fs::write(folder.path().join("lobby/Annotations/wall_1.txt"), [0; 7]).expect("writable");
        let rooms = find_rooms(folder.path()).expect("rooms");
        let names: Vec<_> =
            rooms.iter().map(|room| room.strip_prefix(folder.path()).expect("below").display().to_string()).collect();
        assert_eq!(names, ["Area_1/office_1", "Area_1/office_2", "b.npy", "lobby"]);
        assert_eq!(find_rooms(&rooms[3]).expect("itself"), [rooms[3].clone()]);
        assert_eq!((room_bytes(&rooms[2]).expect("size"), room_bytes(&rooms[3]).expect("size")), (10, 7));
        let error = find_rooms(&folder.path().join("Area_1/empty")).expect_err("no rooms").to_string();
        assert!(error.contains("expected rooms"), "{error}");
    }
}
