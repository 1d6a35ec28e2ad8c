//! Discs into pixels: what is nearest shows, and what touches melts together.

use super::splat::Splat;

/// Colour and depth of every pixel of a panel.
#[derive(Clone, Debug)]
pub(super) struct Raster {
    pub width: usize,
    pub height: usize,
    /// Red, green, blue, 0–255; meaningless where nothing was drawn.
    pub colour: Vec<[f32; 3]>,
    /// Depth in metres; infinite where nothing was drawn.
    pub depth: Vec<f32>,
}

/// Limits of a disc's radius in pixels.
const RADIUS: std::ops::RangeInclusive<f32> = 1.1..=14.0;

/// Draws discs in two passes: the first finds the nearest depth at every pixel, the second mixes
/// all discs that belong to that surface, each weighted by its closeness to the pixel. `focal` is
/// the focal length in pixels.
pub(super) fn draw(splats: &[Splat], focal: f32, width: usize, height: usize) -> Raster {
    let pixels = width * height;
    let mut nearest = vec![f32::INFINITY; pixels];
    for splat in splats {
        for_each_pixel(splat, focal, width, height, |pixel, closeness| {
            // Only the inner disc hides: a far surface should not get a halo from a near one.
            if closeness > 0.25 {
                nearest[pixel] = nearest[pixel].min(splat.depth);
            }
        });
    }
    let mut sums = vec![[0.0_f32; 5]; pixels];
    for splat in splats {
        let reach = (2.0 * splat.radius).min(0.04) + 0.003 * splat.depth;
        for_each_pixel(splat, focal, width, height, |pixel, closeness| {
            if splat.depth <= nearest[pixel] + reach {
                let weight = closeness * closeness * closeness + 1.0e-4;
                let sum = &mut sums[pixel];
                sum.iter_mut().zip(splat.colour).for_each(|(sum, channel)| *sum += weight * f32::from(channel));
                sum[3] += weight * splat.depth;
                sum[4] += weight;
            }
        });
    }
    let depth = sums
        .iter()
        .zip(&nearest)
        .map(|(sum, &nearest)| if nearest.is_finite() && sum[4] > 0.0 { sum[3] / sum[4] } else { f32::INFINITY })
        .collect();
    let colour = sums.iter().map(|sum| std::array::from_fn(|channel| sum[channel] / sum[4].max(1.0e-9))).collect();
    Raster { width, height, colour, depth }
}

/// Calls `paint(pixel, closeness)` for the pixels of a disc; closeness is 1 at its centre and 0 at
/// its edge.
fn for_each_pixel(splat: &Splat, focal: f32, width: usize, height: usize, mut paint: impl FnMut(usize, f32)) {
    let radius = (splat.radius * focal / splat.depth).clamp(*RADIUS.start(), *RADIUS.end());
    let [x, y] = splat.place;
    let span = |centre: f32, limit: usize| {
        let first = (centre - radius).ceil().max(0.0) as usize;
        let last = (centre + radius).floor().min(limit as f32 - 1.0);
        if last < 0.0 { 1..1 } else { first..(last as usize + 1).max(first) }
    };
    for row in span(y, height) {
        for column in span(x, width) {
            let (dx, dy) = (column as f32 - x, row as f32 - y);
            let closeness = 1.0 - (dx * dx + dy * dy) / (radius * radius);
            if closeness > 0.0 {
                paint(row * width + column, closeness);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_hides_far_and_edges_stay_inside() {
        let splat = |x, y, depth, colour| Splat { place: [x, y], depth, radius: 0.1, colour };
        let splats = [
            splat(8.0, 8.0, 4.0, [200, 0, 0]),
            splat(8.0, 8.0, 1.0, [0, 200, 0]),
            splat(-3.0, 15.0, 1.0, [0, 0, 200]),
            splat(1.0e9, 5.0, 1.0, [0, 0, 200]),
            splat(5.0, -1.0e9, 1.0, [0, 0, 200]),
        ];
        let raster = draw(&splats, 40.0, 16, 16);
        let pixel = 8 * 16 + 8;
        assert_eq!((raster.depth[pixel], raster.colour[pixel]), (1.0, [0.0, 200.0, 0.0]));
        assert!(raster.depth[15].is_infinite());
        assert_eq!(raster.colour[15 * 16], [0.0, 0.0, 200.0]);
    }
}
