//! The room itself: outline, walls with openings, floor, ceiling, beams, columns, windows, doors, boards.

use glam::{Affine3A, Quat, Vec3, vec3};

use super::{
    class::Class,
    footprint::Footprint,
    material::Material,
    mesh::{Mesh, standing_at},
    random::Random,
};

/// Plan of a room: a rectangle from (0, 0) to `size`, less one corner for an L.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Width (x), depth (y), height (z) in metres.
    pub size: [f32; 3],
    /// The missing corner of an L: low and high corner of the rectangle that is cut out.
    pub notch: Option<[[f32; 2]; 2]>,
    /// How much higher than `size[2]` the ceiling is at y = depth, metres: 0 = level, more under a sloped roof.
    pub rise: f32,
}

impl Shape {
    /// Corners of the plan, counter-clockwise seen from above.
    pub fn outline(&self) -> Vec<[f32; 2]> {
        let [w, d, _] = self.size;
        let mut corners = Vec::new();
        for corner in [[0.0, 0.0], [w, 0.0], [w, d], [0.0, d]] {
            match self.notch {
                Some([low, high]) if Self::covers(low, high, corner) => {
                    // Replace the corner by three: in along one wall, the inner corner, out along the other.
                    let inner = [
                        if corner[0] == 0.0 { high[0] } else { low[0] },
                        if corner[1] == 0.0 { high[1] } else { low[1] },
                    ];
                    let along_x = [inner[0], corner[1]];
                    let along_y = [corner[0], inner[1]];
                    // Counter-clockwise, (w, 0) and (0, d) are reached along x, (w, d) and (0, 0) along y.
                    if (corner[0] == 0.0) != (corner[1] == 0.0) {
                        corners.extend([along_x, inner, along_y]);
                    } else {
                        corners.extend([along_y, inner, along_x]);
                    }
                }
                _ => corners.push(corner),
            }
        }
        corners
    }

    fn covers(low: [f32; 2], high: [f32; 2], p: [f32; 2]) -> bool {
        (0..2).all(|k| low[k] <= p[k] && p[k] <= high[k])
    }

    /// Whether a point of the plan is inside the room.
    pub fn contains(&self, p: [f32; 2]) -> bool {
        let inside = (0..2).all(|k| p[k] >= 0.0 && p[k] <= self.size[k]);
        inside && !self.notch.is_some_and(|[low, high]| (0..2).all(|k| low[k] < p[k] && p[k] < high[k]))
    }

    /// The notch as a footprint.
    pub fn notch_footprint(&self) -> Option<Footprint> {
        self.notch
            .map(|[l, h]| Footprint::new([(l[0] + h[0]) / 2.0, (l[1] + h[1]) / 2.0], [h[0] - l[0], h[1] - l[1]], 0.0))
    }

    /// Floor area in square metres.
    pub fn area(&self) -> f32 {
        self.size[0] * self.size[1] - self.notch.map_or(0.0, |[l, h]| (h[0] - l[0]) * (h[1] - l[1]))
    }

    /// Distance from a point inside to the nearest wall.
    pub fn distance_to_walls(&self, p: [f32; 2]) -> f32 {
        let rectangle = (0..2).map(|k| p[k].min(self.size[k] - p[k])).fold(f32::MAX, f32::min);
        rectangle.min(self.notch_footprint().map_or(f32::MAX, |notch| notch.distance(p)))
    }

    /// Height of the ceiling above a point of the plan.
    pub fn height_at(&self, p: [f32; 2]) -> f32 {
        self.size[2] + self.rise * p[1] / self.size[1]
    }

    /// The room as rectangles: low and high corners.
    fn rectangles(&self) -> Vec<[[f32; 2]; 2]> {
        let [w, d, _] = self.size;
        let Some([low, high]) = self.notch else { return vec![[[0.0, 0.0], [w, d]]] };
        let rest = if low[0] == 0.0 { [high[0], w] } else { [0.0, low[0]] };
        let beside = if low[1] == 0.0 { [high[1], d] } else { [0.0, low[1]] };
        vec![[[rest[0], 0.0], [rest[1], d]], [[low[0], beside[0]], [high[0], beside[1]]]]
    }
}

/// A part of a wall that something occupies; metres along the wall and above the floor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    pub from: f32,
    pub to: f32,
    pub low: f32,
    pub high: f32,
    /// A hole through the wall.
    pub hole: bool,
}

/// A wall: x along it, y into the room, z up.
#[derive(Clone, Debug)]
pub(crate) struct Wall {
    pub start: [f32; 2],
    pub length: f32,
    pub yaw: f32,
    pub patches: Vec<Patch>,
}

impl Wall {
    pub fn frame(&self) -> Affine3A {
        standing_at(self.start[0], self.start[1], 0.0, self.yaw)
    }

    /// Point of the room at `along` the wall and `into` the room.
    pub fn point(&self, along: f32, into: f32) -> [f32; 2] {
        let p = self.frame().transform_point3(vec3(along, into, 0.0));
        [p.x, p.y]
    }

    /// Whether a patch would overlap another one (with 5 cm between).
    pub fn is_free(&self, patch: Patch) -> bool {
        let gap = 0.05;
        patch.from >= 0.0
            && patch.to <= self.length
            && !self.patches.iter().any(|other| {
                patch.from < other.to + gap
                    && other.from < patch.to + gap
                    && patch.low < other.high + gap
                    && other.low < patch.high + gap
            })
    }

    /// Takes the end of the wall, from the floor up to `high`.
    pub fn take_corner(&mut self, random: &mut Random, width: f32, high: f32) -> Option<Patch> {
        let from = if random.chance(0.5) { 0.0 } else { (self.length - width).max(0.0) };
        let patch = Patch { from, to: from + width, low: 0.0, high, hole: false };
        self.is_free(patch).then(|| {
            self.patches.push(patch);
            patch
        })
    }

    /// Finds a free place for a patch of the given size and takes it.
    pub fn take(&mut self, random: &mut Random, width: f32, low: f32, high: f32, hole: bool) -> Option<Patch> {
        let margin = 0.12;
        if self.length < width + 2.0 * margin {
            return None;
        }
        (0..8).find_map(|_| {
            let from = random.range(margin, self.length - width - margin);
            let patch = Patch { from, to: from + width, low, high, hole };
            self.is_free(patch).then(|| {
                self.patches.push(patch);
                patch
            })
        })
    }
}

/// The walls of a shape, in order of the outline.
pub(crate) fn walls(shape: &Shape) -> Vec<Wall> {
    let outline = shape.outline();
    (0..outline.len())
        .map(|i| {
            let (a, b) = (outline[i], outline[(i + 1) % outline.len()]);
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            Wall { start: a, length: dx.abs() + dy.abs(), yaw: dy.atan2(dx), patches: Vec::new() }
        })
        .collect()
}

/// A wall's surface around its holes, and the reveals of the holes (`thickness` deep).
pub(crate) fn build_wall(mesh: &mut Mesh, wall: &Wall, shape: &Shape, thickness: f32, material: Material) {
    let height = shape.size[2];
    mesh.object(Class::Wall, wall.frame());
    let [from, to] = [0.0, wall.length].map(|along| shape.height_at(wall.point(along, 0.0)));
    if from.max(to) > height + 1e-3 {
        // Up to a sloped ceiling.
        let corner = |x: f32, z: f32| vec3(x, 0.0, z);
        let low = [corner(wall.length, height), corner(0.0, height)];
        mesh.quad([low[0], low[1], corner(0.0, from.max(height)), corner(wall.length, to.max(height))], material);
    }
    let holes: Vec<&Patch> = wall.patches.iter().filter(|p| p.hole).collect();
    let cuts = |ends: Vec<f32>| {
        let mut ends = ends;
        ends.sort_by(f32::total_cmp);
        ends.dedup();
        ends
    };
    let xs = cuts(holes.iter().flat_map(|p| [p.from, p.to]).chain([0.0, wall.length]).collect());
    let zs = cuts(holes.iter().flat_map(|p| [p.low, p.high]).chain([0.0, height]).collect());
    for x in xs.windows(2) {
        for z in zs.windows(2) {
            let (cx, cz) = ((x[0] + x[1]) / 2.0, (z[0] + z[1]) / 2.0);
            if holes.iter().any(|p| p.from < cx && cx < p.to && p.low < cz && cz < p.high) {
                continue;
            }
            let corner = |x: f32, z: f32| vec3(x, 0.0, z);
            mesh.quad([corner(x[1], z[0]), corner(x[0], z[0]), corner(x[0], z[1]), corner(x[1], z[1])], material);
        }
    }
    for p in holes {
        let at = |x: f32, y: f32, z: f32| vec3(x, y, z);
        let t = -thickness;
        mesh.quad(
            [at(p.from, 0.0, p.low), at(p.from, t, p.low), at(p.from, t, p.high), at(p.from, 0.0, p.high)],
            material,
        );
        mesh.quad([at(p.to, t, p.low), at(p.to, 0.0, p.low), at(p.to, 0.0, p.high), at(p.to, t, p.high)], material);
        mesh.quad(
            [at(p.from, 0.0, p.high), at(p.from, t, p.high), at(p.to, t, p.high), at(p.to, 0.0, p.high)],
            material,
        );
        mesh.quad([at(p.from, t, p.low), at(p.from, 0.0, p.low), at(p.to, 0.0, p.low), at(p.to, t, p.low)], material);
    }
}

/// Floor and ceiling, one object each.
pub(crate) fn build_floor_and_ceiling(mesh: &mut Mesh, random: &mut Random, shape: &Shape) {
    for class in [Class::Floor, Class::Ceiling] {
        let z = |x: f32, y: f32| if class == Class::Floor { 0.0 } else { shape.height_at([x, y]) };
        let at = |x: f32, y: f32| vec3(x, y, z(x, y));
        let material = if class == Class::Floor { random.flooring() } else { random.ceiling() };
        mesh.object(class, Affine3A::IDENTITY);
        for [low, high] in shape.rectangles() {
            let mut corners = [at(low[0], low[1]), at(high[0], low[1]), at(high[0], high[1]), at(low[0], high[1])];
            if class == Class::Ceiling {
                corners.reverse();
            }
            mesh.quad(corners, material);
        }
    }
}

/// A window in its hole: frame, bars, panes, now and then a sill, a trim and a blind.
pub(crate) fn build_window(mesh: &mut Mesh, random: &mut Random, wall: &Wall, hole: Patch, thickness: f32) {
    mesh.object(Class::Window, wall.frame());
    let frame = if random.chance(0.6) { random.paint() } else { random.metal() };
    let glass = random.glass();
    let bar = random.range(0.04, 0.08);
    let y = -thickness * random.range(0.2, 0.8);
    let (w, h) = (hole.to - hole.from, hole.high - hole.low);
    let (x, z) = ((hole.from + hole.to) / 2.0, (hole.low + hole.high) / 2.0);
    for side in [-1.0, 1.0] {
        mesh.cuboid(vec3(x + side * (w - bar) / 2.0, y, z), vec3(bar, 0.06, h), frame);
        mesh.cuboid(vec3(x, y, z + side * (h - bar) / 2.0), vec3(w - 2.0 * bar, 0.06, bar), frame);
    }
    let sashes = ((w / random.range(0.6, 1.2)).round() as usize).clamp(1, 5);
    for sash in 1..sashes {
        let x = hole.from + w * sash as f32 / sashes as f32;
        mesh.cuboid(vec3(x, y, z), vec3(bar * 1.3, 0.05, h - 2.0 * bar), frame);
        mesh.cuboid(vec3(x + 0.02, y + 0.05, z), vec3(0.02, 0.04, 0.12), frame);
    }
    if random.chance(0.4) {
        let split = hole.low + h * random.range(0.6, 0.75);
        mesh.cuboid(vec3(x, y, split), vec3(w - 2.0 * bar, 0.05, bar), frame);
    }
    mesh.cuboid(vec3(x, y, z), vec3(w - 2.0 * bar, 0.006, h - 2.0 * bar), glass);
    if hole.low > 0.3 && random.chance(0.5) {
        mesh.cuboid(vec3(x, 0.01, hole.low - 0.012), vec3(w + 0.06, 0.14, 0.024), frame);
    }
    if random.chance(0.4) {
        trim(mesh, random, hole, frame);
    }
    if random.chance(0.4) {
        // A blind, drawn down part of the way.
        let drop = h * random.range(0.15, 0.95);
        let cloth = random.paint();
        if random.chance(0.5) {
            // Slats, more or less closed.
            let turn = Quat::from_rotation_x(random.range(0.2, 1.3));
            let slats = (drop / 0.055) as usize;
            for slat in 0..slats {
                let z = hole.high - 0.055 * (slat as f32 + 0.5);
                mesh.turned_cuboid(vec3(x, y + 0.06, z), vec3(w - 0.04, 0.045, 0.003), turn, cloth);
            }
        } else {
            mesh.cuboid(vec3(x, y + 0.06, hole.high - drop / 2.0), vec3(w - 0.04, 0.012, drop), cloth);
        }
        mesh.cuboid(vec3(x, y + 0.06, hole.high - 0.03), vec3(w - 0.03, 0.04, 0.05), cloth);
    }
}

/// Boards around a hole, slightly proud of the wall.
fn trim(mesh: &mut Mesh, random: &mut Random, hole: Patch, material: Material) {
    let wide = random.range(0.03, 0.12);
    let deep = 0.02;
    let (w, h) = (hole.to - hole.from, hole.high - hole.low);
    let (x, z) = ((hole.from + hole.to) / 2.0, (hole.low + hole.high) / 2.0);
    for side in [-1.0, 1.0] {
        mesh.cuboid(vec3(x + side * (w + wide) / 2.0, deep / 2.0, z), vec3(wide, deep, h), material);
    }
    mesh.cuboid(vec3(x, deep / 2.0, hole.high + wide / 2.0), vec3(w + 2.0 * wide, deep, wide), material);
}

/// A door in its hole: frame, one or two leaves, handles. Returns what an open leaf covers on the floor.
pub(crate) fn build_door(
    mesh: &mut Mesh,
    random: &mut Random,
    wall: &Wall,
    hole: Patch,
    thickness: f32,
) -> Vec<Footprint> {
    mesh.object(Class::Door, wall.frame());
    let colour = random.door_leaf();
    let frame = match random.count(0, 3) {
        0 => colour,
        1 => random.door_leaf(),
        2 => random.wood(),
        _ => random.metal(),
    };
    let handle = random.metal();
    let jamb = 0.04;
    let (w, h) = (hole.to - hole.from, hole.high);
    let middle = (hole.from + hole.to) / 2.0;
    for side in [-1.0, 1.0] {
        let x = middle + side * (w - jamb) / 2.0;
        mesh.cuboid(vec3(x, -thickness / 2.0 + 0.006, h / 2.0), vec3(jamb, thickness + 0.01, h - 0.002), frame);
    }
    mesh.cuboid(vec3(middle, -thickness / 2.0 + 0.006, h - jamb / 2.0), vec3(w, thickness + 0.01, jamb), frame);
    if random.chance(0.8) {
        trim(mesh, random, Patch { low: 0.0, ..hole }, frame);
    }
    let leaves = if w > 1.25 { 2 } else { 1 };
    let leaf = (w - 2.0 * jamb) / leaves as f32;
    let leaf_height = h - jamb - 0.008;
    // Half of them are level with the wall.
    let recess = -if random.chance(0.5) { 0.0 } else { random.range(0.0, thickness * 0.7) } - 0.01;
    let glazed = random.chance(0.15);
    let vision = !glazed && random.chance(0.15);
    let panels = if glazed || vision || random.chance(0.75) { 0 } else { random.count(1, 3) };
    let kick = random.chance(0.12);
    let glass = random.glass();
    let hinge_left = random.chance(0.5);
    let mut covered = Vec::new();
    for part in 0..leaves {
        let from_left = if leaves == 2 { part == 0 } else { hinge_left };
        let (inwards, angle) = match random.count(0, 9) {
            0..=5 => (true, 0.0),
            6..=8 => (true, random.range(0.15, 1.65)),
            _ => (false, random.range(0.15, 1.3)),
        };
        let hinge_x = if from_left { hole.from + jamb } else { hole.to - jamb };
        let hinge_y = if angle == 0.0 {
            recess - 0.02
        } else if inwards {
            0.02
        } else {
            -thickness
        };
        let direction = if from_left { 1.0 } else { -1.0 };
        let turn = Quat::from_rotation_z(direction * angle * if inwards { 1.0 } else { -1.0 });
        let hinge = vec3(hinge_x, hinge_y, 0.006);
        let at = |along: f32, out: f32, z: f32| hinge + turn * vec3(direction * along, out, z);
        let mut plate = |along: f32, z: f32, size: [f32; 3], out: f32, material: Material| {
            mesh.turned_cuboid(at(along, out, z), Vec3::from(size), turn, material);
        };
        if glazed {
            let rail = 0.13;
            plate(rail / 2.0, leaf_height / 2.0, [rail, 0.04, leaf_height], 0.0, colour);
            plate(leaf - rail / 2.0, leaf_height / 2.0, [rail, 0.04, leaf_height], 0.0, colour);
            plate(leaf / 2.0, 0.15, [leaf - 2.0 * rail, 0.04, 0.3], 0.0, colour);
            plate(leaf / 2.0, leaf_height - rail / 2.0, [leaf - 2.0 * rail, 0.04, rail], 0.0, colour);
            plate(leaf / 2.0, leaf_height / 2.0, [leaf - 2.0 * rail, 0.008, leaf_height - 0.4], 0.0, glass);
        } else {
            plate(leaf / 2.0, leaf_height / 2.0, [leaf - 0.006, 0.04, leaf_height], 0.0, colour);
            for face in [-1.0, 1.0] {
                for panel in 0..panels {
                    let each = (leaf_height - 0.2) / panels as f32;
                    let z = 0.1 + each * (panel as f32 + 0.5);
                    plate(leaf / 2.0, z, [leaf - 0.3, 0.012, each - 0.12], face * 0.024, colour);
                }
                if vision {
                    plate(leaf * 0.72, 1.45, [0.16, 0.006, 0.7], face * 0.021, handle);
                    plate(leaf * 0.72, 1.45, [0.12, 0.008, 0.66], face * 0.021, glass);
                }
                if kick {
                    plate(leaf / 2.0, 0.15, [leaf - 0.04, 0.004, 0.25], face * 0.021, handle);
                }
            }
        }
        for face in [-1.0, 1.0] {
            plate(leaf - 0.06, 1.02, [0.03, 0.04, 0.03], face * 0.035, handle);
            plate(leaf - 0.11, 1.02, [0.13, 0.018, 0.02], face * 0.06, handle);
        }
        if inwards && angle > 0.0 {
            let centre = wall.frame().transform_point3(at(leaf / 2.0, 0.0, 0.0));
            let yaw = wall.yaw + direction * angle;
            covered.push(Footprint::new([centre.x, centre.y], [leaf, 0.16], yaw));
        }
    }
    covered
}

/// A whiteboard, blackboard or pin board on a wall.
pub(crate) fn build_board(mesh: &mut Mesh, random: &mut Random, wall: &Wall, patch: Patch) {
    mesh.object(Class::Board, wall.frame());
    let face = random.board_face();
    let frame = if random.chance(0.3) { random.wood() } else { random.metal() };
    let deep = random.range(0.008, 0.04);
    let (w, h) = (patch.to - patch.from, patch.high - patch.low);
    let (x, z) = ((patch.from + patch.to) / 2.0, (patch.low + patch.high) / 2.0);
    mesh.cuboid(vec3(x, deep / 2.0 + 0.003, z), vec3(w, deep, h), face);
    let bar = random.pick(&[0.01, 0.025, 0.04]);
    let y = deep / 2.0 + 0.006;
    for side in [-1.0, 1.0] {
        mesh.cuboid(vec3(x + side * w / 2.0, y, z), vec3(bar, deep + 0.012, h + bar), frame);
        mesh.cuboid(vec3(x, y, z + side * h / 2.0), vec3(w, deep + 0.012, bar), frame);
    }
    if random.chance(0.6) {
        mesh.cuboid(vec3(x, deep + 0.04, patch.low - 0.01), vec3(w * random.range(0.3, 0.95), 0.08, 0.015), frame);
    }
}
