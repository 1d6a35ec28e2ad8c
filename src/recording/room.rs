//! Rooms to judge by.

use std::sync::Arc;

use crate::cloud::LabelledCloud;
use crate::sim::{MeshLibrary, ScanMode, ScanOptions, Scene, SceneOptions, scan_room};

/// Where the seeds of held-out rooms begin. Training draws its rooms from seeds below 2⁶²,
/// validation from there to 2⁶³ (see [`crate::training::Split`]).
const HELD_OUT: u64 = 1 << 63;

/// The scene seed of held-out room `seed`: no room of this range is ever trained on. Of `seed` the
/// lower 63 bits count.
pub const fn held_out(seed: u64) -> u64 {
    HELD_OUT | seed
}

/// Scans held-out room `seed` as S3DIS was taken: panoramas with colour, upright, one point per
/// voxel of 1 to 2.5 cm. Frame and labels as [`scan_room`]; `density` as in [`SceneOptions`].
/// With `meshes`, furniture may be of those that training never sees.
pub fn scan_held_out(seed: u64, density: f32, meshes: Option<&Arc<MeshLibrary>>) -> LabelledCloud {
    let seed = held_out(seed);
    let scene =
        Scene::generate_with(seed, &SceneOptions { density, held_out: true, ..SceneOptions::default() }, meshes);
    scan_room(
        &scene,
        &ScanOptions {
            seed,
            mode: Some(ScanMode::Panorama),
            colour: Some(true),
            partial: Some(false),
            ..ScanOptions::default()
        },
    )
}
