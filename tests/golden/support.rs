//! Reading golden archives.
#![allow(dead_code)]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The folder of shared knowledge, or `None` (and a word about it) where it is absent.
pub fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if root.join("golden").is_dir() {
        return Some(root);
    }
    println!("skipped: no golden folder in {} (set INSTANTON_SHARED)", root.display());
    None
}

/// Runs `check` on every archive whose name starts with `prefix` and has the suffix `.npz`.
///
/// # Panics
/// When the folder is there but holds no such archive: a suite that checks nothing is no suite.
pub fn for_each(prefix: &str, mut check: impl FnMut(&str, &mut Archive)) {
    let Some(root) = shared() else { return };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root.join("golden"))
        .expect("readable golden folder")
        .map(|entry| entry.expect("readable entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".npz") && !name.contains("weights")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no {prefix}*.npz in {}", root.display());
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        check(&name, &mut Archive::open(&path));
        println!("{name}: passed");
    }
}

/// One golden archive.
pub struct Archive {
    inner: npyz::npz::NpzArchive<BufReader<File>>,
}

impl Archive {
    /// Opens an archive.
    pub fn open(path: &Path) -> Self {
        Self { inner: npyz::npz::NpzArchive::open(path).expect("readable archive") }
    }

    /// Whether an array of this name is in the archive.
    pub fn has(&mut self, name: &str) -> bool {
        self.inner.by_name(name).expect("readable array").is_some()
    }

    /// Shape of an array.
    pub fn shape(&mut self, name: &str) -> Vec<usize> {
        let array = self.inner.by_name(name).expect("readable array").unwrap_or_else(|| panic!("no array {name}"));
        array.shape().iter().map(|&size| size as usize).collect()
    }

    /// All values of an array in C order.
    pub fn values<T: npyz::Deserialize + Copy>(&mut self, name: &str) -> Vec<T> {
        let array = self.inner.by_name(name).expect("readable array").unwrap_or_else(|| panic!("no array {name}"));
        let (order, shape) = (array.order(), array.shape().to_vec());
        let values = array.into_vec().unwrap_or_else(|error| panic!("{name}: {error}"));
        if order == npyz::Order::C { values } else { from_fortran(&values, &shape) }
    }

    /// The one value of a 0-dimensional array.
    pub fn scalar<T: npyz::Deserialize + Copy>(&mut self, name: &str) -> T {
        self.values::<T>(name)[0]
    }

    /// An array of points.
    pub fn points<const D: usize>(&mut self, name: &str) -> Vec<[f32; D]> {
        self.values::<f32>(name).chunks_exact(D).map(|row| row.try_into().expect("row length")).collect()
    }
}

/// Values of an array stored first index fastest, last index fastest.
fn from_fortran<T: Copy>(values: &[T], shape: &[u64]) -> Vec<T> {
    let mut stride = 1;
    let strides: Vec<usize> = shape
        .iter()
        .map(|&size| {
            stride *= size as usize;
            stride / (size as usize).max(1)
        })
        .collect();
    (0..values.len())
        .map(|mut at| {
            let axes = shape.iter().zip(&strides).rev();
            values[axes.fold(0, |place, (&size, &stride)| {
                let index = at % size as usize;
                at /= size as usize;
                place + index * stride
            })]
        })
        .collect()
}
