//! Walls that stand between the camera and the room.
//!
//! A scan is taken from inside, so an outer wall on the camera's side is the last thing towards the
//! camera: beyond it there is nothing. Seen on a plan of the cloud, such a place is tall, and its
//! neighbours towards the camera are empty. Furniture in front of a wall is not concerned (towards
//! the camera it has the wall that is taken away), nor are far walls, which have the floor before
//! them. Works for rooms of any
//! shape and direction.

use crate::block::Extent;

/// Smallest side of a cell of the plan in metres, and most cells along the diagonal.
const CELL: f32 = 0.1;
const CELLS: f32 = 600.0;
/// Points that make a cell occupied.
const OCCUPIED: u32 = 2;
/// A place as tall as this above the floor, metres, may be a wall.
const TALL: f32 = 1.0;
/// How far towards the camera a wall must have nothing before it, metres. Nearer than the first
/// is the wall's own thickness: frames, sills, noise.
const EMPTY: (f32, f32) = (0.30, 1.5);
/// The plan reaches this far beyond the extent, which leaves out the outermost points, metres.
const BORDER: f32 = 0.6;
/// Height of the rim that is left of the wall, metres.
const RIM: f32 = 0.12;

/// Where the near walls are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Front {
    low: [f32; 2],
    cell: f32,
    size: [usize; 2],
    wall: Vec<bool>,
    rim: f32,
}

impl Front {
    /// Finds the near walls of a cloud for a camera in the horizontal direction `azimuth` of it.
    pub fn new(extent: &Extent, points: &[[f32; 3]], azimuth: f32) -> Self {
        let low = [extent.minimum[0] - BORDER, extent.minimum[1] - BORDER];
        let sides: [f32; 2] = std::array::from_fn(|axis| extent.maximum[axis] + BORDER - low[axis]);
        let cell = CELL.max(sides[0].hypot(sides[1]) / CELLS);
        let size = sides.map(|side| (side / cell) as usize + 1);
        let mut front = Self { low, cell, size, wall: vec![false; size[0] * size[1]], rim: extent.minimum[2] + RIM };
        let mut counts = vec![0_u32; front.wall.len()];
        let mut tops = vec![f32::NEG_INFINITY; front.wall.len()];
        for point in points {
            if let Some(index) = front.index([point[0], point[1]]) {
                counts[index] += 1;
                tops[index] = tops[index].max(point[2]);
            }
        }
        let (sine, cosine) = azimuth.sin_cos();
        for y in 0..size[1] {
            for x in 0..size[0] {
                let centre = [low[0] + (x as f32 + 0.5) * cell, low[1] + (y as f32 + 0.5) * cell];
                let tall = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| [dx as f32, dy as f32])).any(|[dx, dy]| {
                    front
                        .index([centre[0] + dx * cell, centre[1] + dy * cell])
                        .is_some_and(|index| tops[index] - extent.minimum[2] >= TALL)
                });
                let occupied = |distance: f32| {
                    front
                        .index([centre[0] + cosine * distance, centre[1] + sine * distance])
                        .is_some_and(|index| counts[index] >= OCCUPIED)
                };
                let steps = ((EMPTY.1 - EMPTY.0) / (0.7 * cell)).ceil().max(1.0) as usize;
                front.wall[y * size[0] + x] =
                    tall && !(0..=steps).any(|step| occupied(EMPTY.0.max(2.0 * cell) + step as f32 * 0.7 * cell));
            }
        }
        front
    }

    /// Whether a point belongs to a near wall, above the rim.
    pub fn hides(&self, point: &[f32; 3]) -> bool {
        point[2] > self.rim && self.index([point[0], point[1]]).is_some_and(|index| self.wall[index])
    }

    fn index(&self, place: [f32; 2]) -> Option<usize> {
        let [x, y] = [0, 1].map(|axis| (place[axis] - self.low[axis]) / self.cell);
        let inside = x >= 0.0 && y >= 0.0 && x < self.size[0] as f32 && y < self.size[1] as f32;
        inside.then(|| y as usize * self.size[0] + x as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floor and walls of an L: 4 m × 4 m without the quarter at −x, −y.
    fn corner_room() -> Vec<[f32; 3]> {
        let inside = |x: f32, y: f32| !(x < 2.0 && y < 2.0);
        let mut points = Vec::new();
        for i in 0..=80 {
            for j in 0..=80 {
                let (x, y) = (i as f32 * 0.05, j as f32 * 0.05);
                if inside(x, y) {
                    points.push([x, y, 0.0]);
                    let edge =
                        x == 0.0 || y == 0.0 || i == 80 || j == 80 || (i == 40 && j <= 40) || (j == 40 && i <= 40);
                    if edge {
                        points.extend((1..50).map(|k| [x, y, k as f32 * 0.05]));
                    }
                }
            }
        }
        points
    }

    #[test]
    fn near_walls_go_also_in_the_notch() {
        let points = corner_room();
        let front = Front::new(&Extent::of(&points).unwrap(), &points, -2.2);
        for near in [[0.0, 3.0], [3.0, 0.0], [2.0, 1.0], [1.0, 2.0]] {
            assert!(front.hides(&[near[0], near[1], 1.0]), "{near:?}");
            assert!(!front.hides(&[near[0], near[1], 0.05]), "the rim at {near:?}");
        }
        for far in [[4.0, 2.0], [2.0, 4.0], [3.0, 3.0]] {
            assert!(!front.hides(&[far[0], far[1], 1.0]), "{far:?}");
        }
        assert!(!front.hides(&[1.0e30, -1.0e30, 1.0]));
    }
}
