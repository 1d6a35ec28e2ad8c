//! Depth made visible.
//!
//! After eye-dome lighting (Boucheny 2009): a pixel darkens by how much nearer its surroundings are,
//! so that edges get an outline and hollows a shadow, without normals or lights. Neighbours are taken
//! in opposite pairs and compared in inverse depth, which is linear across any plane: a flat wall
//! stays evenly bright however steeply it recedes.

use super::raster::Raster;

/// Darkness and radius in pixels of each ring of neighbours: a fine outline, a soft shadow, a wide
/// dim one.
const RINGS: [(f32, f32); 3] = [(14.0, 1.5), (10.0, 4.0), (6.0, 11.0)];
/// One of each pair of opposite directions.
const DIRECTIONS: [[f32; 2]; 4] = [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0], [-0.707, 0.707]];
/// Largest relative step of inverse depth that counts.
const LARGEST_STEP: f32 = 0.05;

/// The raster in its final colours, over a background; `scale` is the number of raster pixels per
/// picture pixel, and steps of up to `noise(depth)` metres are no edges.
pub(super) fn shade(raster: &Raster, background: [u8; 3], scale: f32, noise: impl Fn(f32) -> f32) -> Vec<[f32; 3]> {
    let background = background.map(f32::from);
    (0..raster.depth.len())
        .map(|pixel| {
            if !raster.depth[pixel].is_finite() {
                return background;
            }
            let light = light(raster, pixel, scale, noise(raster.depth[pixel]));
            raster.colour[pixel].map(|channel| channel * light)
        })
        .collect()
}

/// 1 in the open, towards 0 behind an edge.
fn light(raster: &Raster, pixel: usize, scale: f32, noise: f32) -> f32 {
    let (x, y) = ((pixel % raster.width) as f32, (pixel / raster.width) as f32);
    let depth = raster.depth[pixel];
    // Depth here over depth there; `None` off the picture and off the cloud.
    let ratio = |dx: f32, dy: f32| {
        let (column, row) = (x + dx, y + dy);
        let inside = column >= 0.0 && row >= 0.0 && column < raster.width as f32 && row < raster.height as f32;
        let other = inside.then(|| raster.depth[row as usize * raster.width + column as usize])?;
        other.is_finite().then_some(depth / other)
    };
    let mut dark = 0.0;
    for (strength, radius) in RINGS {
        for [dx, dy] in DIRECTIONS.map(|direction| direction.map(|value| value * radius * scale)) {
            if let (Some(one), Some(other)) = (ratio(dx, dy), ratio(-dx, -dy)) {
                let step = 0.5 * (one + other) - 1.0 - noise / depth;
                dark += strength * step.clamp(0.0, LARGEST_STEP) / DIRECTIONS.len() as f32;
            }
        }
    }
    0.30 + 0.70 / (1.0 + 2.0 * dark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_an_edge_is_darker() {
        let depth: Vec<f32> = (0..900).map(|pixel| if pixel % 30 < 15 { 2.0 } else { 3.0 }).collect();
        let mut raster = Raster { width: 30, height: 30, colour: vec![[200.0; 3]; 900], depth };
        raster.depth[0] = f32::INFINITY;
        let shaded = shade(&raster, [9, 9, 9], 1.0, |_| 0.03);
        let row = 15 * 30;
        assert_eq!(shaded[row + 3], [200.0; 3], "the near side stays bright");
        assert!(shaded[row + 15][0] < 150.0, "the far side is dark at the edge");
        assert!(shaded[row + 28][0] > shaded[row + 15][0], "and less so further off");
        assert_eq!(shaded[0], [9.0; 3]);
    }
}
