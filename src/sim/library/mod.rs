//! Real furniture: triangle meshes of Sweet Home 3D catalogues, sorted by what a room does with them.
//!
//! `models/training/fetch_meshes.sh` gets the Debian package `sweethome3d-furniture` and unpacks its five catalogues.
//! A folder of catalogues is read by [`MeshLibrary::load`]. Each model is scaled to the size that its catalogue
//! states. Models are split by a hash of their name: a sixth is kept for judging, and rooms to train on never
//! contain one of those.

mod catalogue;
mod classify;
mod model;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::random::Random;
use catalogue::Entry;
pub(crate) use classify::Role;
pub(crate) use model::Model;

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The folder cannot be read.
    #[error("{}: expected a folder of Sweet Home 3D catalogues", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No catalogue, or no model that a room can use.
    #[error("{}: expected catalogues (*/PluginFurnitureCatalog.properties) with furniture, found none usable", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// Why a model of a catalogue is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be parsed.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: tobj::LoadError,
    },
    /// Nothing to see, or more than rooms can carry.
    #[error("{}: {count} triangles, expected 4 to {most}", path.display())]
    Triangles {
        /// The file.
        path: PathBuf,
        /// How many it has.
        count: usize,
        /// The most that are taken.
        most: usize,
    },
    /// A coordinate is not a number, or the model is flat.
    #[error("{}: extent {extent:?}, expected three finite sizes above 0", path.display())]
    Extent {
        /// The file.
        path: PathBuf,
        /// Extent in the file's own units.
        extent: [f32; 3],
    },
    /// The proportions are not those that the catalogue states.
    #[error("{}: its proportions differ from the catalogue's by a factor of {factor}", path.display())]
    Proportions {
        /// The file.
        path: PathBuf,
        /// Largest scale over smallest.
        factor: f32,
    },
}

/// Models by what a room does with them.
#[derive(Debug, Default)]
pub struct MeshLibrary {
    models: Vec<Model>,
    rejected: Vec<ModelError>,
}

impl MeshLibrary {
    /// Reads all catalogues below `folder` (`NAME/PluginFurnitureCatalog.properties`), in order of their names.
    ///
    /// Models that are broken or of no use indoors are left out, see [`rejected`](Self::rejected).
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn load(folder: &Path) -> Result<Self, LibraryError> {
        let failed = |source| LibraryError::Folder { path: folder.to_owned(), source };
        let mut catalogues = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            catalogues.push(entry.map_err(failed)?.path());
        }
        catalogues.sort();
        let mut entries = Vec::new();
        for catalogue in catalogues {
            if let Ok(bytes) = std::fs::read(catalogue.join("PluginFurnitureCatalog.properties")) {
                entries.extend(catalogue::parse(&bytes, &catalogue));
            }
        }
        let wanted: Vec<(Entry, Role)> =
            entries.into_iter().filter_map(|entry| classify::role(&entry).map(|role| (entry, role))).collect();
        let read: Vec<Result<Model, ModelError>> =
            wanted.into_par_iter().map(|(entry, role)| Model::load(&entry, role)).collect();
        let mut library = Self::default();
        for model in read {
            match model {
                Ok(model) => library.models.push(model),
                Err(error) => library.rejected.push(error),
            }
        }
        if library.models.is_empty() {
            return Err(LibraryError::Empty { path: folder.to_owned() });
        }
        Ok(library)
    }

    /// How many models there are to use.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// The models of the catalogues that are not used, and why.
    pub fn rejected(&self) -> &[ModelError] {
        &self.rejected
    }

    /// Names of the models of one half: those kept for judging, or those to train on.
    pub fn names(&self, held_out: bool) -> impl Iterator<Item = &str> {
        self.models.iter().filter(move |model| model.held_out == held_out).map(|model| model.name.as_str())
    }

    pub(crate) fn model(&self, index: u32) -> &Model {
        &self.models[index as usize]
    }

    /// A model for `role` from the half that the room may use.
    pub(crate) fn draw(&self, random: &mut Random, role: Role, held_out: bool) -> Option<u32> {
        let fits = |model: &&Model| model.role == role && model.held_out == held_out;
        let count = self.models.iter().filter(fits).count();
        let chosen = random.count(0, count.saturating_sub(1));
        let mut indices = (0..self.models.len()).filter(|&i| fits(&&self.models[i]));
        indices.nth(chosen).map(|i| i as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Class, Scene, SceneOptions};
    use std::{fmt::Write, sync::Arc};

    /// A catalogue of sound chairs and one that is broken.
    fn catalogue(folder: &Path) {
        let mut text = String::new();
        let place = folder.join("some");
        std::fs::create_dir_all(&place).unwrap();
        for number in 0..24 {
            let shape = if number == 5 {
                "f 1 2 3\n"
            } else {
                "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 1 1\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n"
            };
            std::fs::write(place.join(format!("c{number}.obj")), shape).unwrap();
            writeln!(text, "name#{number}=Chair\nmodel#{number}=/c{number}.obj\nwidth#{number}=50").unwrap();
            writeln!(text, "depth#{number}=55\nheight#{number}=77.7\ncategory#{number}=Office").unwrap();
        }
        std::fs::write(place.join("PluginFurnitureCatalog.properties"), text).unwrap();
    }

    #[test]
    fn the_halves_never_meet_and_broken_models_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        catalogue(folder.path());
        let library = MeshLibrary::load(folder.path()).unwrap();
        assert_eq!((library.len(), library.rejected().len()), (23, 1));
        let [kept, free] = [true, false].map(|half| library.names(half).collect::<Vec<_>>());
        assert!(kept.len() > 1 && free.len() > 12, "{kept:?} {free:?}");
        let mut random = Random::new(1, 1);
        for _ in 0..200 {
            for half in [true, false] {
                let index = library.draw(&mut random, Role::Chair, half).unwrap();
                assert_eq!(library.model(index).held_out, half);
            }
        }
        assert_eq!(library.draw(&mut random, Role::Sofa, true), None);
    }

    #[test]
    fn rooms_hold_models_at_their_size() {
        let folder = tempfile::tempdir().unwrap();
        catalogue(folder.path());
        let library = Arc::new(MeshLibrary::load(folder.path()).unwrap());
        let mut met = 0;
        for seed in 0..12 {
            let scene = Scene::generate_with(seed, &SceneOptions::default(), Some(&library));
            let again = Scene::generate_with(seed, &SceneOptions::default(), Some(&library));
            assert_eq!(format!("{:?}", scene.triangles), format!("{:?}", again.triangles), "same seed, same room");
            for piece in scene.pieces.iter().filter(|piece| piece.class == Class::Chair) {
                let own = scene.surfaces.iter().zip(&scene.triangles).filter(|(s, _)| s.instance == piece.instance);
                let corners: Vec<_> = own.flat_map(|(_, t)| [t.v0, t.v1, t.v2]).collect();
                let top = corners.iter().map(|v| v.z).fold(0.0f32, f32::max);
                met += usize::from(corners.len() == 12 && (top - 0.777).abs() < 1e-4);
            }
        }
        assert!(met > 5, "{met} chairs of the library");
    }

    #[test]
    fn folders_without_furniture_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(MeshLibrary::load(folder.path()), Err(LibraryError::Empty { .. })));
        assert!(matches!(MeshLibrary::load(&folder.path().join("absent")), Err(LibraryError::Folder { .. })));
    }
}
