//! What hangs from ceilings: lamps, ducts, pipes, projectors. All of it is clutter in S3DIS.

use glam::{Affine3A, vec3};

use crate::sim::{class::Class, footprint::Footprint, layout::Layout, material::Material, mesh::Mesh};

/// Lamps under the ceiling (clutter in S3DIS) and the light they give.
pub(super) fn build_lamps(layout: &mut Layout, beams: &[Footprint]) -> Vec<[f32; 3]> {
    let [width, depth, height] = layout.shape.size;
    let style = layout.random.count(0, 4);
    let along_x = width > depth;
    let grid = [(width / 2.4).ceil() as usize, (depth / 2.4).ceil() as usize];
    let glow = Material::plain([1.4, 1.4, 1.3]);
    let metal = layout.random.metal();
    let mut lamps = Vec::new();
    for i in 0..grid[0] {
        for j in 0..grid[1] {
            let x = width * (i as f32 + 0.5) / grid[0] as f32;
            let y = depth * (j as f32 + 0.5) / grid[1] as f32;
            let size = match style {
                0 => [0.6, 0.6],
                1 | 4 if along_x => [1.2, 0.14],
                1 | 4 => [0.14, 1.2],
                _ => [0.3, 0.3],
            };
            let spot = Footprint::new([x, y], size, 0.0).grown(0.05);
            let inside = spot.corners().iter().all(|c| layout.shape.contains(*c));
            if !inside || beams.iter().any(|beam| beam.overlaps(&spot)) {
                continue;
            }
            // Below its own fixture, which would otherwise shade it.
            lamps.push([x, y, height - if style == 3 || style == 4 { 0.58 } else { 0.15 }]);
            let free = !layout.pieces.iter().any(|p| p.class == Class::Column && p.footprint.overlaps(&spot));
            if !free || layout.shape.rise > 0.0 || layout.random.chance(0.15) {
                continue;
            }
            layout.mesh.object(Class::Clutter, Affine3A::IDENTITY);
            let mesh: &mut Mesh = &mut layout.mesh;
            match style {
                0 => mesh.standing(x, y, height - 0.03, vec3(0.6, 0.6, 0.029), glow),
                1 => {
                    mesh.standing(x, y, height - 0.09, vec3(size[0], size[1], 0.05), glow);
                    mesh.standing(x, y, height - 0.04, vec3(size[0] * 0.9, size[1] * 0.9, 0.039), metal);
                }
                4 if height > 2.6 => {
                    // A strip on two wires.
                    mesh.standing(x, y, height - 0.5, vec3(size[0], size[1], 0.07), glow);
                    mesh.standing(x, y, height - 0.43, vec3(size[0] * 0.95, size[1] * 0.5, 0.04), metal);
                    for end in [-0.4, 0.4] {
                        let (x, y) = (x + end * (size[0] - 0.14), y + end * (size[1] - 0.14));
                        mesh.cylinder(vec3(x, y, height - 0.42), vec3(x, y, height - 0.001), 0.004, 5, metal);
                    }
                }
                2 => mesh.cylinder(vec3(x, y, height - 0.09), vec3(x, y, height - 0.001), 0.15, 14, glow),
                _ if height > 2.5 => {
                    mesh.cylinder(vec3(x, y, height - 0.35), vec3(x, y, height - 0.001), 0.008, 6, metal);
                    mesh.cone(vec3(x, y, height - 0.5), vec3(x, y, height - 0.35), [0.16, 0.05], 14, metal);
                    mesh.ellipsoid(vec3(x, y, height - 0.47), vec3(0.06, 0.06, 0.06), glow);
                }
                _ => mesh.ellipsoid(vec3(x, y, height - 0.08), vec3(0.15, 0.15, 0.079), glow),
            }
        }
    }
    lamps
}

/// Ducts, pipes, cable trays, vents and a projector.
pub(super) fn build_services(layout: &mut Layout, beams: &[Footprint]) {
    let [width, depth, height] = layout.shape.size;
    if layout.shape.rise > 0.0 || height < 2.35 {
        return;
    }
    let metal = layout.random.metal();
    let along_x = layout.random.chance(0.5);
    let (length, span) = if along_x { (width, depth) } else { (depth, width) };
    let place = |along: f32, across: f32| if along_x { [along, across] } else { [across, along] };
    let runs = if layout.random.chance(0.25) { layout.random.count(1, 3) } else { 0 };
    for _ in 0..runs {
        let thick = layout.random.pick(&[0.03, 0.05, 0.1, 0.25]);
        let across = layout.random.range(0.2 + thick, span - 0.2 - thick);
        let [x, y] = place(length / 2.0, across);
        let size = place(length - 0.02, thick + 0.02);
        let footprint = Footprint::new([x, y], size, 0.0);
        let notched = layout.shape.notch_footprint().is_some_and(|notch| notch.overlaps(&footprint));
        let columns = layout.pieces.iter().any(|p| p.class == Class::Column && p.footprint.overlaps(&footprint));
        let z = height - 0.08 - thick / 2.0;
        if notched || columns || z - thick < 2.15 || beams.iter().any(|beam| beam.overlaps(&footprint)) {
            continue;
        }
        layout.mesh.object(Class::Clutter, Affine3A::IDENTITY);
        let end = |along: f32| {
            let [x, y] = place(along, across);
            vec3(x, y, z)
        };
        if thick > 0.08 && layout.random.chance(0.5) {
            layout.mesh.cuboid(vec3(x, y, z), vec3(size[0], size[1], thick), metal);
        } else {
            layout.mesh.cylinder(end(0.01), end(length - 0.01), thick / 2.0, 10, metal);
        }
        for hanger in 1..(length / 1.5) as usize {
            let [x, y] = place(1.5 * hanger as f32, across);
            layout.mesh.standing(x, y, z, vec3(0.015, 0.015, height - 0.001 - z), metal);
        }
        layout.headroom = layout.headroom.min(z - thick / 2.0);
    }
    for _ in 0..layout.random.count(0, 4) {
        let side = layout.random.pick(&[0.1, 0.3, 0.6]);
        let (x, y) = (layout.random.range(0.4, width - 0.4), layout.random.range(0.4, depth - 0.4));
        let spot = Footprint::new([x, y], [side, side], 0.0);
        if spot.corners().iter().all(|c| layout.shape.contains(*c)) && !beams.iter().any(|b| b.overlaps(&spot)) {
            layout.mesh.object(Class::Clutter, Affine3A::IDENTITY);
            let vent = layout.random.book_paper();
            layout.mesh.standing(x, y, height - 0.026, vec3(side, side, 0.025), vent);
        }
    }
    if height > 2.5 && layout.random.chance(0.15) {
        let (x, y) = (width * layout.random.range(0.35, 0.65), depth * layout.random.range(0.35, 0.65));
        let spot = Footprint::new([x, y], [0.4, 0.4], 0.0);
        if layout.shape.contains([x, y]) && !beams.iter().any(|b| b.overlaps(&spot)) {
            layout.mesh.object(Class::Clutter, Affine3A::IDENTITY);
            let case = layout.random.plastic();
            layout.mesh.cylinder(vec3(x, y, height - 0.3), vec3(x, y, height - 0.001), 0.02, 8, metal);
            layout.mesh.cuboid(vec3(x, y, height - 0.35), vec3(0.35, 0.28, 0.11), case);
        }
    }
}
