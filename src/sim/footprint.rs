//! Oriented rectangles on the floor: who stands where, what is free.

use glam::{Vec2, vec2};

/// The place that something takes on the floor: a rectangle, turned about z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// Centre in the room frame, metres.
    pub centre: [f32; 2],
    /// Half size along its own x and y, metres.
    pub half: [f32; 2],
    /// Turn about z, radians.
    pub yaw: f32,
}

impl Footprint {
    /// Rectangle of full size `size`.
    pub fn new(centre: [f32; 2], size: [f32; 2], yaw: f32) -> Self {
        Self { centre, half: [size[0] / 2.0, size[1] / 2.0], yaw }
    }

    /// Grown by `margin` on every side (shrunk when negative).
    pub fn grown(&self, margin: f32) -> Self {
        Self { half: [(self.half[0] + margin).max(0.0), (self.half[1] + margin).max(0.0)], ..*self }
    }

    fn axes(&self) -> [Vec2; 2] {
        let (sin, cos) = self.yaw.sin_cos();
        [vec2(cos, sin), vec2(-sin, cos)]
    }

    /// The four corners.
    pub fn corners(&self) -> [[f32; 2]; 4] {
        let [x, y] = self.axes();
        [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
            .map(|(a, b)| (Vec2::from(self.centre) + x * (a * self.half[0]) + y * (b * self.half[1])).to_array())
    }

    /// Whether two rectangles share area (separating-axis test).
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.corners().map(Vec2::from), other.corners().map(Vec2::from));
        let span = |corners: &[Vec2; 4], axis: Vec2| {
            corners.iter().map(|c| c.dot(axis)).fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)))
        };
        self.axes().into_iter().chain(other.axes()).all(|axis| {
            let ((a, b), (c, d)) = (span(&mine, axis), span(&theirs, axis));
            a < d && c < b
        })
    }

    /// Distance from a point to the rectangle, 0 inside.
    pub fn distance(&self, point: [f32; 2]) -> f32 {
        let [x, y] = self.axes();
        let offset = Vec2::from(point) - Vec2::from(self.centre);
        let outside = vec2(offset.dot(x).abs() - self.half[0], offset.dot(y).abs() - self.half[1]);
        outside.max(Vec2::ZERO).length()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any() -> impl Strategy<Value = Footprint> {
        (-2.0f32..2.0, -2.0f32..2.0, 0.2f32..2.0, 0.2f32..2.0, 0.0f32..6.3)
            .prop_map(|(x, y, w, d, yaw)| Footprint::new([x, y], [w, d], yaw))
    }

    proptest! {
        /// Sampling finds a shared point only where the test says overlap.
        #[test]
        fn overlap_agrees_with_sampling(a in any(), b in any()) {
            let mut shared = false;
            for i in 0..40 {
                for j in 0..40 {
                    let p = [-4.0 + 0.2 * i as f32, -4.0 + 0.2 * j as f32];
                    shared |= a.distance(p) == 0.0 && b.grown(-0.01).distance(p) == 0.0;
                }
            }
            prop_assert!(!shared || a.overlaps(&b));
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
        }
    }
}
