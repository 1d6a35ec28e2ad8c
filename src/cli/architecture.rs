//! Networks and classes by the names that people type.

use std::path::{Path, PathBuf};

use crate::network::zoo::{self, Sizes};
use crate::network::{Architecture, ArchitectureError, Class};
use crate::picture::instance_colour;

/// No list of classes is longer than this.
const LONGEST_LIST: u64 = 1 << 16;

/// Why a list of classes cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ClassListError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The list makes no sense.
    #[error("--classes {given}: expected s3dis, names apart by commas, or a file with one name a line, found {actual}")]
    List {
        /// What was given.
        given: String,
        /// What is wrong with it.
        actual: String,
    },
}

/// A network in its published sizes, for so many classes.
pub(super) fn architecture(name: &str, classes: usize) -> Result<Architecture, ArchitectureError> {
    let sizes = Sizes { classes, ..Sizes::published(name)? };
    zoo::by_name(name, &sizes)
}

/// Classes as `--classes` names them: `s3dis`, `floor,wall,chair`, or a file with one name a line.
/// Names of S3DIS keep its colours; others get one by number.
pub(super) fn classes(given: &str) -> Result<Vec<Class>, ClassListError> {
    let known = Class::s3dis();
    if given == "s3dis" {
        return Ok(known);
    }
    let path = Path::new(given);
    let text = if path.is_file() {
        let refuse = |source| ClassListError::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(refuse)?.len();
        if length > LONGEST_LIST {
            return Err(ClassListError::List { given: given.to_owned(), actual: format!("{length} bytes") });
        }
        std::fs::read_to_string(path).map_err(refuse)?
    } else {
        given.to_owned()
    };
    let names: Vec<&str> = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).collect();
    let refuse = |actual: String| Err(ClassListError::List { given: given.to_owned(), actual });
    if names.len() < 2 || names.len() > 255 {
        return refuse(format!("{} names", names.len()));
    }
    if let Some(again) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name)) {
        return refuse(format!("{again:?} twice"));
    }
    let colour = |(number, name): (usize, &&str)| {
        let s3dis = known.iter().find(|class| class.name == **name).map(|class| class.colour);
        Class { name: (*name).to_owned(), colour: s3dis.unwrap_or_else(|| instance_colour(number as u32 + 1)) }
    };
    Ok(names.iter().enumerate().map(colour).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_classes_are_read() {
        let names = |given: &str| classes(given).map(|all| all.into_iter().map(|class| class.name).collect::<Vec<_>>());
        assert_eq!(names("s3dis").unwrap().len(), 13);
        assert_eq!(names("leg, seat,back").unwrap(), ["leg", "seat", "back"]);
        assert!(matches!(names("leg"), Err(ClassListError::List { .. })));
        assert!(names("leg,seat,leg").unwrap_err().to_string().contains("\"leg\" twice"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "floor\nwall\n\nlamp\n").unwrap();
        assert_eq!(names(file.path().to_str().unwrap()).unwrap(), ["floor", "wall", "lamp"]);
        assert_eq!(classes("floor,lamp").unwrap()[0].colour, [0, 0, 255], "S3DIS' own colour");
    }
}
