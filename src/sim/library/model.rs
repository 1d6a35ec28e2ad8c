//! One mesh, in the frame that all furniture has: origin on the floor at the centre of the footprint, z up, front +y.

use glam::{Mat3, Vec3, vec3};
use sha2::{Digest, Sha256};

use super::{ModelError, catalogue::Entry, classify::Role};

/// More triangles than this cost more time than they teach.
const MOST_TRIANGLES: usize = 12_000;

/// A model may be scaled differently along its axes, but not beyond recognition.
const MOST_DISTORTION: f32 = 2.0;

/// A mesh of the library.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub name: String,
    pub role: Role,
    /// Width, depth, height, metres.
    pub size: Vec3,
    /// Height of the surface that one sits on or puts things on, metres.
    pub surface: f32,
    /// Whether it is kept for judging.
    pub held_out: bool,
    pub triangles: Vec<[Vec3; 3]>,
    /// Index into `palette`, by triangle.
    pub colours: Vec<u16>,
    /// Linear colours; `None` where the catalogue has a texture.
    pub palette: Vec<Option<[f32; 3]>>,
}

impl Model {
    /// Reads a model and brings it to the size of its catalogue.
    pub(super) fn load(entry: &Entry, role: Role) -> Result<Self, ModelError> {
        let path = || entry.path.clone();
        let options = tobj::LoadOptions { triangulate: true, ..Default::default() };
        let (parts, materials) =
            tobj::load_obj(&entry.path, &options).map_err(|source| ModelError::Parse { path: path(), source })?;
        // Models whose colours cannot be read get those of a texture.
        let materials = materials.unwrap_or_default();
        let rotation = Mat3::from_cols_array_2d(&entry.rotation).transpose();
        let (mut triangles, mut colours) = (Vec::new(), Vec::new());
        for part in &parts {
            let mesh = &part.mesh;
            let colour = mesh.material_id.filter(|&id| id < materials.len()).unwrap_or(materials.len());
            let corner = |index: u32| {
                let at = 3 * index as usize;
                rotation * vec3(mesh.positions[at], mesh.positions[at + 1], mesh.positions[at + 2])
            };
            for triangle in mesh.indices.chunks_exact(3) {
                triangles.push([corner(triangle[0]), corner(triangle[1]), corner(triangle[2])]);
                colours.push(colour as u16);
            }
        }
        let count = triangles.len();
        if !(4..=MOST_TRIANGLES).contains(&count) {
            return Err(ModelError::Triangles { path: path(), count, most: MOST_TRIANGLES });
        }
        let corners = || triangles.iter().flatten();
        let low = corners().fold(Vec3::INFINITY, |low, p| low.min(*p));
        let high = corners().fold(Vec3::NEG_INFINITY, |high, p| high.max(*p));
        let extent = high - low;
        let finite = corners().all(|p| p.is_finite());
        if !finite || extent.min_element() <= 0.0 || !extent.is_finite() {
            return Err(ModelError::Extent { path: path(), extent: extent.to_array() });
        }
        // Sweet Home 3D: x to the right, y up, z to the front.
        let [width, depth, height] = entry.size;
        let scale = vec3(width, height, depth) / extent;
        let factor = scale.max_element() / scale.min_element();
        if !(factor <= MOST_DISTORTION && scale.min_element() > 0.0) {
            return Err(ModelError::Proportions { path: path(), factor });
        }
        let middle = (low + high) / 2.0;
        for p in triangles.iter_mut().flatten() {
            let q = (*p - vec3(middle.x, low.y, middle.z)) * scale;
            *p = vec3(-q.x, q.z, q.y);
        }
        let mut palette: Vec<Option<[f32; 3]>> = materials
            .iter()
            .map(|material| material.diffuse.filter(|_| material.diffuse_texture.is_none()))
            .map(|colour| colour.map(|colour| colour.map(|channel| channel.clamp(0.02, 0.95))))
            .collect();
        palette.push(None);
        let size = vec3(width, depth, height);
        let surface = entry.surface.unwrap_or(1.0).clamp(0.0, 1.0);
        let surface = if entry.surface.is_some_and(|s| s < height) { surface.min(height) } else { height };
        Ok(Self {
            held_out: Sha256::digest(entry.name.as_bytes())[0].is_multiple_of(6),
            name: entry.name.clone(),
            role,
            size,
            surface,
            triangles,
            colours,
            palette,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn entry(path: &Path, size: [f32; 3]) -> Entry {
        let rotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Entry { name: "a/b".into(), path: path.to_owned(), size, rotation, ..Entry::default() }
    }

    #[test]
    fn models_are_scaled_to_the_catalogue_and_broken_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.obj");
        // A tetrahedron whose tip is at the front (z) and up (y).
        let sound = "v 0 0 0\nv 2 0 0\nv 0 4 0\nv 0 4 6\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n";
        std::fs::write(&path, sound).unwrap();
        let model = Model::load(&entry(&path, [0.2, 0.6, 0.4]), Role::Chair).unwrap();
        assert_eq!((model.triangles.len(), model.size), (4, vec3(0.2, 0.6, 0.4)));
        let tip = model.triangles[1][2];
        assert!(tip.distance(vec3(0.1, 0.3, 0.4)) < 1e-6, "front is +y, up is +z: {tip}");
        let refused = |text: &str, size| {
            std::fs::write(&path, text).unwrap();
            Model::load(&entry(&path, size), Role::Chair).unwrap_err().to_string()
        };
        assert!(refused(sound, [0.2, 0.6, 4.0]).contains("proportions"));
        assert!(refused("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", [1.0; 3]).contains("1 triangles"));
        assert!(refused(&sound.replace("v 0 4 6", "v 0 4 0"), [1.0; 3]).contains("extent"));
        assert!(refused(&sound.replace("v 0 4 6", "v 0 NaN 6"), [1.0; 3]).contains("extent"));
        assert!(refused("f 1 2 3\n", [1.0; 3]).contains("box.obj"));
    }
}
