//! Tables and desks.

use glam::{Affine3A, Vec3, vec3};

use crate::sim::{class::Class, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TableStyle {
    /// A leg at each corner.
    Legs,
    /// A panel at each end.
    Panels,
    /// Two T-shaped feet.
    TFeet,
    /// Panel on one side, drawers on the other (its sign tells the side: −1 or +1 times x).
    Drawers(f32),
    /// Round top on a column.
    Round,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub style: TableStyle,
    /// Width, depth, height of the top's upper side.
    pub size: Vec3,
    top: f32,
    modesty: bool,
    board: Material,
    frame: Material,
}

impl Table {
    pub fn draw(random: &mut Random, style: TableStyle, size: Vec3) -> Self {
        let board = random.board_material();
        Self {
            style,
            size,
            top: random.range(0.018, 0.045).min(size.z * 0.12),
            modesty: random.chance(0.3),
            board,
            frame: if random.chance(0.4) { board } else { random.metal() },
        }
    }

    /// A desk for one person.
    pub fn desk(random: &mut Random) -> Self {
        let size = vec3(random.range(1.1, 1.9), random.range(0.6, 0.85), random.range(0.7, 0.77));
        let style = match random.count(0, 5) {
            0..=1 => TableStyle::Drawers(random.sign()),
            2 => TableStyle::Panels,
            3 => TableStyle::TFeet,
            _ => TableStyle::Legs,
        };
        Self::draw(random, style, size)
    }

    /// A low table before a sofa.
    pub fn low(random: &mut Random) -> Self {
        let round = random.chance(0.25);
        let width = if round { random.range(0.6, 0.9) } else { random.range(0.8, 1.2) };
        let depth = if round { width } else { random.range(0.45, 0.65) };
        let style = if round { TableStyle::Round } else { random.pick(&[TableStyle::Legs, TableStyle::Panels]) };
        let height = random.range(0.35, 0.5);
        Self::draw(random, style, vec3(width, depth, height))
    }

    /// Where along x a person may sit at the +y side: (from, to).
    pub fn knee_space(&self) -> (f32, f32) {
        let half = self.size.x / 2.0 - 0.06;
        match self.style {
            TableStyle::Drawers(side) if side < 0.0 => (-half + 0.42, half),
            TableStyle::Drawers(_) => (-half, half - 0.42),
            _ => (-half, half),
        }
    }

    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Table, place);
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let under = height - self.top;
        if self.style == TableStyle::Round {
            let radius = width / 2.0;
            mesh.cylinder(Vec3::Z * under, Vec3::Z * height, radius, 16, self.board);
            mesh.cylinder(Vec3::Z * 0.03, Vec3::Z * under, random.range(0.03, 0.06), 10, self.frame);
            mesh.cone(Vec3::Z * 0.002, Vec3::Z * 0.03, [radius * 0.55, radius * 0.5], 14, self.frame);
            return id;
        }
        mesh.standing(0.0, 0.0, under, vec3(width, depth, self.top), self.board);
        let (hx, hy) = (width / 2.0, depth / 2.0);
        match self.style {
            TableStyle::Legs => {
                let thick = random.range(0.03, 0.08);
                let inset = random.range(0.0, 0.06) + thick / 2.0;
                let round = random.chance(0.4);
                for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                    let (x, y) = (sx * (hx - inset), sy * (hy - inset));
                    if round {
                        mesh.cylinder(vec3(x, y, 0.0), vec3(x, y, under), thick / 2.0, 10, self.frame);
                    } else {
                        mesh.standing(x, y, 0.0, vec3(thick, thick, under), self.frame);
                    }
                }
                if random.chance(0.5) && height > 0.6 {
                    let apron = random.range(0.04, 0.09);
                    for y in [-hy + inset, hy - inset] {
                        mesh.standing(0.0, y, under - apron, vec3(width - 2.0 * inset, 0.02, apron), self.frame);
                    }
                }
            }
            TableStyle::Panels => {
                for x in [-hx + 0.02, hx - 0.02] {
                    mesh.standing(x, 0.0, 0.0, vec3(0.03, depth * 0.95, under), self.board);
                }
            }
            TableStyle::TFeet | TableStyle::Round => {
                for x in [-hx * 0.72, hx * 0.72] {
                    mesh.standing(x, 0.0, 0.0, vec3(0.07, depth * 0.85, 0.04), self.frame);
                    mesh.standing(x, -0.02, 0.04, vec3(0.06, 0.09, under - 0.04), self.frame);
                }
            }
            TableStyle::Drawers(side) => {
                mesh.standing(-side * (hx - 0.015), 0.0, 0.0, vec3(0.025, depth * 0.97, under), self.board);
                let x = side * (hx - 0.2);
                mesh.standing(x, -0.01, 0.03, vec3(0.39, depth * 0.93, under - 0.03), self.frame);
                let count = random.count(2, 4);
                let each = (under - 0.06) / count as f32;
                for drawer in 0..count {
                    let z = 0.045 + each * (drawer as f32 + 0.5);
                    let front = depth * 0.465 + 0.0;
                    mesh.cuboid(vec3(x, front, z), vec3(0.37, 0.02, each - 0.012), self.board);
                    mesh.cuboid(vec3(x, front + 0.018, z + each * 0.25), vec3(0.12, 0.016, 0.012), self.frame);
                }
            }
        }
        if self.modesty && height > 0.6 {
            let drop = random.range(0.25, 0.5);
            mesh.standing(0.0, -hy + 0.1, under - drop, vec3(width * 0.9, 0.018, drop), self.board);
        }
        id
    }
}
