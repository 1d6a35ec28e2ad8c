//! What hangs on walls.

use glam::vec3;

use crate::sim::{
    class::Class,
    footprint::Footprint,
    layout::Layout,
    material::{Material, Pattern},
    shell::Patch,
};

/// What hangs there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Picture,
    Switch,
    Clock,
    Radiator,
    Screen,
    Extinguisher,
    Coats,
    Dispenser,
    Duct,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Picture,
        Self::Picture,
        Self::Picture,
        Self::Switch,
        Self::Switch,
        Self::Clock,
        Self::Radiator,
        Self::Radiator,
        Self::Screen,
        Self::Extinguisher,
        Self::Coats,
        Self::Dispenser,
    ];

    /// Width, lowest and highest point, depth.
    fn size(self, layout: &mut Layout, wall: f32) -> [f32; 4] {
        let mut r = |low: f32, high: f32| layout.random.range(low, high);
        match self {
            Self::Picture => {
                let low = r(1.0, 1.4);
                [r(0.2, 1.2), low, low + r(0.25, 1.0), r(0.004, 0.03)]
            }
            Self::Switch => {
                let low = if r(0.0, 1.0) < 0.5 { 1.05 } else { 0.28 };
                let width = r(0.08, 0.25);
                [width, low, low + 0.085, 0.014]
            }
            Self::Clock => [0.3, 1.75, 2.05, 0.04],
            Self::Radiator => [r(0.5, 1.8), 0.12, r(0.45, 0.75), r(0.06, 0.12)],
            Self::Screen => {
                let (low, width) = (r(0.9, 1.3), r(0.7, 1.5));
                [width, low, low + width * 0.58, r(0.03, 0.08)]
            }
            Self::Extinguisher => [0.17, 0.7, 1.25, 0.17],
            Self::Coats => [r(0.4, 1.0), 0.8, 1.75, 0.16],
            Self::Dispenser => [r(0.2, 0.35), r(1.0, 1.2), r(1.3, 1.5), r(0.1, 0.18)],
            Self::Duct => [(wall - 0.3) * r(0.6, 1.0), 0.85, r(0.95, 1.0), r(0.04, 0.07)],
        }
    }
}

/// Pictures, clocks, switches, radiators, screens, coats.
pub(super) fn build_wall_clutter(layout: &mut Layout) {
    let ducts = layout.random.chance(0.15);
    for index in 0..layout.walls.len() {
        let mut kinds: Vec<Kind> = (0..layout.random.count(0, 4)).map(|_| layout.random.pick(&Kind::ALL)).collect();
        if ducts {
            kinds.push(Kind::Duct);
        }
        for kind in kinds {
            let length = layout.walls[index].length;
            let [width, low, high, deep] = kind.size(layout, length);
            if high > layout.headroom - 0.02 {
                continue;
            }
            let wall = &mut layout.walls[index];
            let Some(patch) = wall.take(&mut layout.random, width, low, high, false) else { continue };
            let wall = &layout.walls[index];
            let centre = wall.point((patch.from + patch.to) / 2.0, deep / 2.0 + 0.03);
            let footprint = Footprint::new(centre, [width, deep + 0.06], wall.yaw);
            // Furniture must not stand in what comes down to it.
            let stands_out = deep > 0.05 && kind != Kind::Screen && kind != Kind::Duct;
            if stands_out && layout.blocked.iter().any(|b| b.overlaps(&footprint)) {
                continue;
            }
            let id = layout.mesh.object(Class::Clutter, wall.frame());
            hang(layout, kind, patch, deep);
            if stands_out {
                layout.record(id, Class::Clutter, footprint);
            }
        }
    }
}

fn hang(layout: &mut Layout, kind: Kind, patch: Patch, deep: f32) {
    let (x, z) = ((patch.from + patch.to) / 2.0, (patch.low + patch.high) / 2.0);
    let (width, height) = (patch.to - patch.from, patch.high - patch.low);
    let (random, mesh) = (&mut layout.random, &mut layout.mesh);
    match kind {
        Kind::Picture => {
            let sheet = random.book_cover();
            mesh.cuboid(vec3(x, deep / 2.0 + 0.002, z), vec3(width, deep, height), sheet);
            if deep > 0.015 {
                let rim = random.metal();
                for side in [-1.0, 1.0] {
                    let upright = vec3(x + side * width / 2.0, deep / 2.0 + 0.004, z);
                    mesh.cuboid(upright, vec3(0.02, deep, height + 0.02), rim);
                    let level = vec3(x, deep / 2.0 + 0.004, z + side * height / 2.0);
                    mesh.cuboid(level, vec3(width, deep, 0.02), rim);
                }
            }
        }
        Kind::Switch => {
            let case = random.book_paper();
            mesh.cuboid(vec3(x, deep / 2.0 + 0.002, z), vec3(width, deep, height), case);
        }
        Kind::Clock => {
            let (face, rim) = (random.book_paper(), random.metal());
            mesh.cylinder(vec3(x, 0.002, z), vec3(x, deep, z), width / 2.0, 14, rim);
            mesh.cylinder(vec3(x, deep, z), vec3(x, deep + 0.003, z), width / 2.2, 14, face);
        }
        Kind::Radiator => {
            let case = random.book_paper();
            mesh.cuboid(vec3(x, deep / 2.0 + 0.03, z), vec3(width, deep * 0.6, height), case);
            let ribs = (width / 0.08) as usize;
            for rib in 0..ribs {
                let x = patch.from + width * (rib as f32 + 0.5) / ribs as f32;
                mesh.cuboid(vec3(x, deep / 2.0 + 0.03, z), vec3(0.045, deep, height - 0.03), case);
            }
        }
        Kind::Screen => {
            let (case, screen) = (random.plastic(), random.dark_screen());
            mesh.cuboid(vec3(x, deep / 2.0 + 0.03, z), vec3(width, deep, height), case);
            mesh.cuboid(vec3(x, deep + 0.031, z), vec3(width - 0.03, 0.004, height - 0.03), screen);
        }
        Kind::Extinguisher => {
            let red = Material::plain([random.range(0.4, 0.8), 0.03, 0.03]);
            let r = width / 2.0 - 0.01;
            let at = |z: f32| vec3(x, r + 0.03, z);
            mesh.cylinder(at(patch.low), at(patch.low + height * 0.75), r, 10, red);
            mesh.cone(at(patch.low + height * 0.75), at(patch.low + height * 0.9), [r, r * 0.3], 10, red);
            let valve = random.dark_screen();
            mesh.cuboid(at(patch.high - 0.04), vec3(0.05, 0.09, 0.05), valve);
        }
        Kind::Coats => {
            let rail = random.wood();
            mesh.cuboid(vec3(x, 0.012, patch.high - 0.05), vec3(width, 0.02, 0.08), rail);
            let hooks = (width / 0.16) as usize;
            for hook in 0..hooks {
                let x = patch.from + width * (hook as f32 + 0.5) / hooks as f32;
                mesh.cuboid(vec3(x, 0.05, patch.high - 0.05), vec3(0.015, 0.06, 0.015), rail);
                if random.chance(0.5) {
                    let cloth = random.fabric();
                    let long = height * random.range(0.7, 0.95);
                    let size = vec3(0.2, 0.12, long);
                    mesh.cushion(vec3(x, 0.08, patch.high - 0.06 - long / 2.0), size, glam::Quat::IDENTITY, cloth);
                }
            }
        }
        Kind::Dispenser | Kind::Duct => {
            let case = random.plastic();
            mesh.cuboid(vec3(x, deep / 2.0 + 0.002, z), vec3(width, deep, height), case);
        }
    }
}

/// Cloth at the sides of a window, or all over it; clutter in S3DIS.
pub(super) fn hang_curtains(layout: &mut Layout, index: usize, window: Patch) {
    let top = window.high + 0.08;
    let long = layout.random.chance(0.5);
    let low = if long { 0.03 } else { window.low - 0.12 };
    let drawn = layout.random.range(0.1, 0.5) * (window.to - window.from + 0.1);
    let wall = &layout.walls[index];
    let deep = 0.14;
    let centre = wall.point((window.from + window.to) / 2.0, deep / 2.0 + 0.005);
    let footprint = Footprint::new(centre, [window.to - window.from + 0.3, deep], wall.yaw);
    let fits = window.from > 0.15 && window.to < wall.length - 0.15 && top < layout.headroom - 0.02 && low > 0.0;
    let neighbour = |other: &Patch| other.to > window.from - 0.2 && other.from < window.to + 0.2;
    let alone = wall.patches.iter().filter(|other| neighbour(other)).count() == 1;
    if !fits || !alone || (long && layout.blocked.iter().any(|b| b.overlaps(&footprint))) {
        return;
    }
    let frame = wall.frame();
    let cloth = layout.random.fabric();
    let cloth = if layout.random.chance(0.5) { layout.random.paint().with(Pattern::Speckle, 0.1) } else { cloth };
    let id = layout.mesh.object(Class::Clutter, frame);
    for side in [-1.0, 1.0] {
        // Folds: thin cylinders side by side, alternately near and far.
        let folds = ((drawn / 0.07) as usize).max(2);
        for fold in 0..folds {
            let inwards = drawn * (fold as f32 + 0.5) / folds as f32;
            let x = if side < 0.0 { window.from - 0.05 + inwards } else { window.to + 0.05 - inwards };
            let y = if fold % 2 == 0 { 0.06 } else { 0.09 };
            layout.mesh.cylinder(vec3(x, y, low), vec3(x, y, top), 0.04, 6, cloth);
        }
    }
    if long {
        layout.record(id, Class::Clutter, footprint);
    }
}
