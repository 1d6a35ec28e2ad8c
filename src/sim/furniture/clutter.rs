//! Small things: what stands on tables, shelves and floors.

use glam::{Affine3A, Quat, Vec2, Vec2Swizzles, Vec3, vec2, vec3};

use crate::sim::{class::Class, library::Model, mesh::Mesh, random::Random};

/// Where a thing is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Surrounding {
    /// On a desk.
    Desk,
    /// On any other table.
    Table,
    /// On a shelf or on top of a bookcase.
    Shelf,
    /// On the floor.
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Monitor,
    Laptop,
    Keyboard,
    Books,
    Papers,
    Bottle,
    Mug,
    DeskLamp,
    Box,
    Plant,
    Telephone,
    Bin,
    Boxes,
    Bag,
    Computer,
    FloorLamp,
    Cable,
    Printer,
    Suitcase,
    CoatStand,
    Ball,
    /// A mesh of the library.
    Model(u32),
}

/// A thing with its size: width, depth, height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clutter {
    kind: Kind,
    pub size: Vec3,
}

impl Clutter {
    pub fn draw(random: &mut Random, where_: Surrounding) -> Self {
        use Kind::*;
        let kind = random.pick(match where_ {
            Surrounding::Desk => {
                &[Laptop, Books, Papers, Papers, Bottle, Mug, DeskLamp, Box, Plant, Telephone, Cable, Printer][..]
            }
            Surrounding::Table => &[Laptop, Books, Papers, Bottle, Bottle, Mug, Mug, Box, Plant, Bag, Ball],
            Surrounding::Shelf => &[Box, Box, Books, Bottle, Plant, Mug, Ball],
            Surrounding::Floor => {
                &[Bin, Bin, Boxes, Boxes, Bag, Computer, FloorLamp, Cable, Plant, Plant, Suitcase, CoatStand, Box, Ball]
            }
        });
        Self::of(random, kind, where_ == Surrounding::Floor)
    }

    pub fn monitor(random: &mut Random) -> Self {
        Self::of(random, Kind::Monitor, false)
    }

    pub fn keyboard(random: &mut Random) -> Self {
        Self::of(random, Kind::Keyboard, false)
    }

    pub fn boxes(random: &mut Random) -> Self {
        Self::of(random, Kind::Boxes, true)
    }

    /// A mesh in the role of a thing.
    pub fn model(index: u32, model: &Model) -> Self {
        Self { kind: Kind::Model(index), size: model.size }
    }

    fn of(random: &mut Random, kind: Kind, floor: bool) -> Self {
        let mut r = |low: f32, high: f32| random.range(low, high);
        let size = match kind {
            Kind::Monitor => vec3(r(0.45, 0.75), r(0.18, 0.24), r(0.4, 0.58)),
            Kind::Laptop => vec3(r(0.3, 0.38), r(0.3, 0.36), r(0.2, 0.24)),
            Kind::Keyboard => vec3(r(0.35, 0.46), r(0.12, 0.17), r(0.02, 0.035)),
            Kind::Books => vec3(r(0.17, 0.26), r(0.22, 0.3), r(0.03, 0.22)),
            Kind::Papers => vec3(0.21, 0.297, r(0.01, 0.06)),
            Kind::Bottle => vec2(r(0.06, 0.09), r(0.18, 0.33)).xxy(),
            Kind::Mug => vec2(r(0.07, 0.1), r(0.08, 0.13)).xxy(),
            Kind::DeskLamp => vec3(r(0.16, 0.2), r(0.3, 0.4), r(0.35, 0.55)),
            Kind::Box if floor => vec3(r(0.2, 0.5), r(0.2, 0.5), r(0.15, 0.5)),
            Kind::Box => vec3(r(0.1, 0.3), r(0.1, 0.25), r(0.06, 0.22)),
            Kind::Plant if floor => vec2(r(0.35, 0.7), r(0.6, 1.6)).xxy(),
            Kind::Plant => vec2(r(0.14, 0.25), r(0.2, 0.4)).xxy(),
            Kind::Telephone => vec3(0.2, 0.2, 0.08),
            Kind::Bin => vec2(r(0.22, 0.4), r(0.28, 0.6)).xxy(),
            Kind::Boxes => vec3(r(0.35, 0.6), r(0.35, 0.55), r(0.5, 1.4)),
            Kind::Bag => vec3(r(0.28, 0.42), r(0.16, 0.28), r(0.3, 0.5)),
            Kind::Computer => vec3(r(0.16, 0.22), r(0.38, 0.48), r(0.35, 0.48)),
            Kind::FloorLamp => vec2(r(0.28, 0.42), r(1.3, 1.8)).xxy(),
            Kind::Cable => vec3(r(0.3, 0.9), r(0.12, 0.3), 0.012),
            Kind::Printer => vec3(r(0.38, 0.5), r(0.35, 0.45), r(0.18, 0.35)),
            Kind::Suitcase => vec3(r(0.38, 0.5), r(0.22, 0.3), r(0.5, 0.75)),
            Kind::CoatStand => vec2(r(0.4, 0.5), r(1.6, 1.8)).xxy(),
            // Models have their own.
            Kind::Model(_) => Vec3::ZERO,
            Kind::Ball => Vec3::splat(if floor { r(0.2, 0.3) } else { r(0.07, 0.2) }),
        };
        Self { kind, size }
    }

    /// Builds the thing standing on z = 0 of `place`.
    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Clutter, place);
        let size = self.size;
        let Vec3 { x: w, y: d, z: h } = size;
        let r = w / 2.0;
        match self.kind {
            Kind::Monitor => {
                let (case, screen) = (random.plastic(), random.dark_screen());
                let panel = (w * random.range(0.56, 0.64)).min(h - 0.06);
                let z = h - panel / 2.0;
                mesh.standing(0.0, -0.02, 0.0, vec3(w * 0.4, d * 0.85, 0.015), case);
                mesh.standing(0.0, -0.03, 0.015, vec3(0.05, 0.03, h - panel + 0.03), case);
                mesh.cuboid(vec3(0.0, 0.0, z), vec3(w, 0.035, panel), case);
                mesh.cuboid(vec3(0.0, 0.0185, z), vec3(w - 0.03, 0.004, panel - 0.03), screen);
            }
            Kind::Laptop => {
                let (case, screen) = (random.plastic(), random.dark_screen());
                mesh.standing(0.0, d / 2.0 - 0.12, 0.0, vec3(w, 0.24, 0.018), case);
                let turn = Quat::from_rotation_x(0.3);
                let hinge = vec3(0.0, d / 2.0 - 0.24, 0.018);
                mesh.turned_cuboid(hinge + turn * vec3(0.0, 0.0, 0.1), vec3(w, 0.01, 0.2), turn, case);
                mesh.turned_cuboid(hinge + turn * vec3(0.0, 0.006, 0.1), vec3(w - 0.02, 0.003, 0.18), turn, screen);
            }
            Kind::Keyboard | Kind::Telephone => {
                let case = random.plastic();
                let tilt = if self.kind == Kind::Telephone { 0.25 } else { 0.03 };
                mesh.turned_cuboid(vec3(0.0, 0.0, h / 2.0), vec3(w, d, h * 0.7), Quat::from_rotation_x(-tilt), case);
                if self.kind == Kind::Telephone {
                    mesh.cuboid(vec3(-w * 0.35, 0.0, h + 0.01), vec3(0.05, d * 0.9, 0.04), case);
                }
            }
            Kind::Books | Kind::Papers => {
                let mut z = 0.0;
                while z < h {
                    let cover = if self.kind == Kind::Papers { random.book_paper() } else { random.book_cover() };
                    let thick = if self.kind == Kind::Papers { h } else { random.range(0.015, 0.05) };
                    let turn = Quat::from_rotation_z(random.range(-0.15, 0.15));
                    let shrink = random.range(0.8, 0.95);
                    mesh.turned_cuboid(
                        vec3(0.0, 0.0, z + thick / 2.0),
                        vec3(w * shrink, d * shrink, thick),
                        turn,
                        cover,
                    );
                    z += thick;
                }
            }
            Kind::Bottle => {
                let body = random.plastic();
                mesh.cylinder(Vec3::ZERO, Vec3::Z * h * 0.65, r, 10, body);
                mesh.cone(Vec3::Z * h * 0.65, Vec3::Z * h * 0.82, [r, r * 0.4], 10, body);
                mesh.cylinder(Vec3::Z * h * 0.82, Vec3::Z * h, r * 0.4, 8, body);
            }
            Kind::Mug => {
                let body = random.plastic();
                mesh.cone(Vec3::ZERO, Vec3::Z * h, [r * 0.7, r * 0.8], 10, body);
                mesh.cuboid(vec3(r * 0.85, 0.0, h / 2.0), vec3(r * 0.3, 0.012, h * 0.55), body);
            }
            Kind::DeskLamp => {
                let metal = random.metal();
                let elbow = vec3(0.0, -d * 0.45, h * 0.6);
                let head = vec3(0.0, d * 0.2, h - 0.06);
                mesh.cylinder(vec3(0.0, -d * 0.25, 0.0), vec3(0.0, -d * 0.25, 0.02), r * 0.8, 12, metal);
                mesh.cylinder(vec3(0.0, -d * 0.25, 0.02), elbow, 0.01, 6, metal);
                mesh.cylinder(elbow, head, 0.01, 6, metal);
                mesh.cone(head + vec3(0.0, 0.05, -0.09), head + Vec3::Z * 0.03, [0.075, 0.03], 10, metal);
            }
            Kind::Box => {
                mesh.standing(0.0, 0.0, 0.0, size, if w > 0.2 { random.cardboard() } else { random.plastic() })
            }
            Kind::Plant => {
                let (pot, leaf) = (random.plastic(), random.leaf());
                let pot_height = (h * 0.35).min(0.4);
                mesh.cone(Vec3::ZERO, Vec3::Z * pot_height, [r * 0.4, r * 0.55], 12, pot);
                for _ in 0..random.count(6, 12) {
                    let (sin, cos) = random.range(0.0, std::f32::consts::TAU).sin_cos();
                    let reach = random.range(0.2, 0.75) * r;
                    let tip =
                        vec3(cos * reach, sin * reach, random.range(pot_height + 0.3 * (h - pot_height), h * 0.95));
                    mesh.cylinder(Vec3::Z * (pot_height - 0.01), tip, 0.005, 5, leaf);
                    mesh.ellipsoid(tip, vec3(0.22 * r + 0.02, 0.22 * r + 0.02, 0.1 * r + 0.03), leaf);
                }
            }
            Kind::Bin => {
                let body = random.plastic();
                if random.chance(0.5) {
                    mesh.cone(Vec3::ZERO, Vec3::Z * h, [r * 0.8, r], 12, body);
                } else {
                    mesh.standing(0.0, 0.0, 0.0, size, body);
                    mesh.standing(0.0, 0.0, h, vec3(w + 0.01, d + 0.01, 0.02), random.plastic());
                }
            }
            Kind::Boxes => {
                let mut z = 0.0;
                while z < h - 0.1 {
                    let step = random.range(0.2, 0.4);
                    let shrink = random.range(0.78, 0.98);
                    let turn = Quat::from_rotation_z(random.range(-0.08, 0.08));
                    let card = random.cardboard();
                    mesh.turned_cuboid(vec3(0.0, 0.0, z + step / 2.0), vec3(w * shrink, d * shrink, step), turn, card);
                    z += step;
                }
            }
            Kind::Bag => {
                let cloth = random.fabric();
                mesh.standing(0.0, 0.0, 0.0, vec3(w, d, h * 0.6), cloth);
                mesh.ellipsoid(vec3(0.0, 0.0, h * 0.6), vec3(w * 0.48, d * 0.48, h * 0.36), cloth);
            }
            Kind::Computer => {
                let case = random.plastic();
                mesh.standing(0.0, 0.0, 0.0, size, case);
                mesh.cuboid(vec3(0.0, d / 2.0, h * 0.8), vec3(w * 0.8, 0.01, h * 0.2), random.dark_screen());
            }
            Kind::FloorLamp => {
                let (metal, shade) = (random.metal(), random.paint());
                mesh.cylinder(Vec3::ZERO, Vec3::Z * 0.025, r * 0.75, 12, metal);
                mesh.cylinder(Vec3::Z * 0.025, Vec3::Z * (h - 0.1), 0.013, 8, metal);
                mesh.cone(Vec3::Z * (h - 0.28), Vec3::Z * h, [r, r * 0.65], 12, shade);
            }
            Kind::Cable => {
                let rubber = random.dark_screen();
                let mut from = vec2(-r, random.range(-d / 2.0, d / 2.0));
                let pieces = 7;
                for piece in 1..=pieces {
                    let to = vec2(-r + w * piece as f32 / pieces as f32, random.range(-d / 2.0, d / 2.0));
                    let at = |p: Vec2| vec3(p.x, p.y, 0.006);
                    mesh.cylinder(at(from), at(to), 0.006, 5, rubber);
                    from = to;
                }
            }
            Kind::Printer => {
                let case = random.plastic();
                mesh.standing(0.0, 0.0, 0.0, size, case);
                mesh.standing(0.0, -d * 0.1, h, vec3(w * 0.7, d * 0.5, 0.03), random.book_paper());
                mesh.cuboid(vec3(0.0, d / 2.0, h * 0.35), vec3(w * 0.6, 0.02, h * 0.2), random.dark_screen());
            }
            Kind::Suitcase => {
                let shell = random.plastic();
                mesh.standing(0.0, 0.0, 0.05, vec3(w, d, h * 0.8 - 0.05), shell);
                for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                    mesh.standing(x * w * 0.4, y * d * 0.35, 0.0, vec3(0.03, 0.03, 0.05), shell);
                }
                for x in [-w * 0.2, w * 0.2] {
                    mesh.cylinder(vec3(x, 0.0, h * 0.8), vec3(x, 0.0, h), 0.008, 6, shell);
                }
                mesh.cuboid(vec3(0.0, 0.0, h), vec3(w * 0.45, 0.025, 0.02), shell);
            }
            Kind::CoatStand => {
                let (wood, cloth) = (random.wood(), random.fabric());
                mesh.cylinder(Vec3::ZERO, Vec3::Z * 0.03, r * 0.9, 12, wood);
                mesh.cylinder(Vec3::Z * 0.03, Vec3::Z * h, 0.02, 8, wood);
                for hook in 0..4 {
                    let (sin, cos) = (1.57 * hook as f32).sin_cos();
                    let tip = vec3(cos * r * 0.7, sin * r * 0.7, h * 0.97);
                    mesh.cylinder(Vec3::Z * h * 0.92, tip, 0.01, 6, wood);
                    if random.chance(0.4) {
                        mesh.ellipsoid(tip - Vec3::Z * 0.4, vec3(0.09, 0.09, 0.4), cloth);
                    }
                }
            }
            Kind::Model(index) => mesh.model(random, index),
            Kind::Ball => mesh.ellipsoid(Vec3::Z * r, Vec3::splat(r), random.plastic()),
        }
        id
    }
}
