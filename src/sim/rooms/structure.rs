//! What carries the house: columns and beams.

use glam::{Affine3A, vec3};

use crate::sim::{
    class::Class,
    footprint::Footprint,
    layout::{Layout, Place},
    material::Material,
};

/// Columns in walls, in corners and free-standing.
pub(super) fn build_columns(layout: &mut Layout, paint: Material) {
    let height = layout.shape.size[2];
    let large = layout.shape.area() > 30.0;
    let count = layout.random.pick(if large { &[0, 1, 2, 3, 4, 6][..] } else { &[0, 0, 1, 1, 2, 2] });
    // Mostly painted as the walls are.
    let material = match layout.random.count(0, 4) {
        0 => layout.random.paint(),
        1 => Material::plain([layout.random.range(0.3, 0.6); 3]),
        _ => paint,
    };
    let (wide, deep) = (layout.random.range(0.2, 0.75), layout.random.range(0.12, 0.6));
    let round = layout.random.chance(0.35);
    for _ in 0..count {
        if layout.random.chance(if large { 0.4 } else { 0.75 }) {
            let index = layout.random.count(0, layout.walls.len() - 1);
            let patch = if layout.random.chance(0.3) {
                layout.walls[index].take_corner(&mut layout.random, wide, height)
            } else {
                layout.walls[index].take(&mut layout.random, wide, 0.0, height, false)
            };
            let Some(patch) = patch else { continue };
            let wall = &layout.walls[index];
            let [x, y] = wall.point((patch.from + patch.to) / 2.0, deep / 2.0);
            let place = Place { x, y, yaw: wall.yaw };
            let footprint = place.footprint([wide, deep]);
            if layout.blocked.iter().any(|b| b.overlaps(&footprint)) {
                continue;
            }
            let id = layout.mesh.object(Class::Column, place.frame(0.0));
            layout.mesh.standing(0.0, 0.0, 0.0, vec3(wide, deep, height), material);
            layout.record(id, Class::Column, footprint.grown(-0.001));
        } else if layout.shape.area() > 16.0 {
            let depth = if round { wide } else { deep.max(0.25) };
            let Some(place) = layout.anywhere([wide, depth], 0.6, false) else { continue };
            let id = layout.mesh.object(Class::Column, place.frame(0.0));
            if round {
                layout.mesh.cylinder(vec3(0.0, 0.0, 0.0), vec3(0.0, 0.0, height), wide / 2.0, 16, material);
            } else {
                layout.mesh.standing(0.0, 0.0, 0.0, vec3(wide, depth, height), material);
            }
            layout.record(id, Class::Column, place.footprint([wide, depth]));
        }
    }
}

/// Beams from wall to wall under the ceiling.
pub(super) fn build_beams(layout: &mut Layout, paint: Material) -> Vec<Footprint> {
    let [width, depth, height] = layout.shape.size;
    let drop = layout.random.range(0.1, 0.55).min(height - 2.18);
    let count = layout.random.pick(&[0, 0, 1, 1, 2, 3, 4]);
    let mut beams: Vec<Footprint> = Vec::new();
    if drop < 0.08 || count == 0 || layout.shape.rise > 0.0 {
        return beams;
    }
    let along_x = layout.random.chance(0.5);
    let thick = layout.random.range(0.15, 0.4);
    let material = if layout.random.chance(0.6) { paint } else { layout.random.wood() };
    let span = if along_x { depth } else { width };
    for beam in 0..count {
        let at = if layout.random.chance(0.2) {
            thick / 2.0 + 0.001
        } else {
            span * (beam as f32 + 0.5 + layout.random.range(-0.2, 0.2)) / count as f32
        };
        let (low, high) = (at - thick / 2.0, at + thick / 2.0);
        let mut ends = [0.0, if along_x { width } else { depth }];
        if low < 0.0 || high > span {
            continue;
        }
        if let Some([l, h]) = layout.shape.notch {
            let (across, length) = if along_x { (1, 0) } else { (0, 1) };
            if low < h[across] + 0.02 && high > l[across] - 0.02 {
                ends = if l[length] == 0.0 { [h[length], ends[1]] } else { [0.0, l[length]] };
            }
        }
        let (middle, length) = ((ends[0] + ends[1]) / 2.0, ends[1] - ends[0]);
        let (centre, size) = if along_x { ([middle, at], [length, thick]) } else { ([at, middle], [thick, length]) };
        let footprint = Footprint::new(centre, size, 0.0);
        if beams.iter().any(|other| other.grown(0.3).overlaps(&footprint)) {
            continue;
        }
        layout.mesh.object(Class::Beam, Affine3A::IDENTITY);
        layout.mesh.standing(centre[0], centre[1], height - drop, vec3(size[0], size[1], drop), material);
        beams.push(footprint);
        layout.headroom = layout.headroom.min(height - drop);
    }
    beams
}
