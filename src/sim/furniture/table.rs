//! Tables and desks.

use glam::{Affine3A, Vec3, vec3};

use crate::sim::{class::Class, library::Model, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TableStyle {
    /// A leg at each corner.
    Legs,
    /// A panel at each end.
    Panels,
    /// Two T-shaped feet. Held out: training never sees it.
    TFeet,
    /// Panel on one side, drawers on the other (its sign tells the side: −1 or +1 times x).
    Drawers(f32),
    /// Round top on a column.
    Round,
    /// Rectangular or oval top on one or two columns.
    Pedestal,
    /// Two trestles.
    Trestle,
}

impl TableStyle {
    /// A style for tables that people sit around.
    pub fn shared(random: &mut Random, held_out: bool) -> Self {
        use TableStyle::{Legs, Panels, Pedestal, TFeet, Trestle};
        if held_out {
            random.pick(&[Legs, Panels, TFeet, TFeet, Pedestal])
        } else {
            random.pick(&[Legs, Legs, Panels, Pedestal, Pedestal, Trestle])
        }
    }
}

/// The side arm of an L-shaped desk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return {
    /// −1 or +1 times x.
    pub side: f32,
    pub width: f32,
    /// How far it reaches beyond the desk, towards the sitter.
    pub reach: f32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub style: TableStyle,
    /// Width, depth, height of the top's upper side.
    pub size: Vec3,
    top: f32,
    modesty: bool,
    /// Oval top, or four legs below a round one.
    oval: bool,
    board: Material,
    frame: Material,
    /// A mesh instead of all this.
    model: Option<u32>,
}

impl Table {
    pub fn draw(random: &mut Random, style: TableStyle, size: Vec3) -> Self {
        let board = random.board_material();
        Self {
            style,
            size,
            top: random.range(0.018, 0.045).min(size.z * 0.12),
            modesty: random.chance(0.3),
            oval: random.chance(0.3) && size.z > 0.6,
            board,
            frame: if random.chance(0.4) { board } else { random.metal() },
            model: None,
        }
    }

    /// A mesh in the role of a table.
    pub fn model(random: &mut Random, index: u32, model: &Model) -> Self {
        let size = model.size.with_z(model.surface.max(model.size.z * 0.8));
        // Its legs may be anywhere: things stand in the middle.
        Self { oval: true, model: Some(index), ..Self::draw(random, TableStyle::Pedestal, size) }
    }

    /// Whether it is a mesh, of which no side arm can be built.
    pub fn is_model(&self) -> bool {
        self.model.is_some()
    }

    /// A desk for one person.
    pub fn desk(random: &mut Random, held_out: bool) -> Self {
        let height = if random.chance(0.08) { random.range(0.95, 1.12) } else { random.range(0.68, 0.8) };
        let size = vec3(random.range(1.0, 2.0), random.range(0.55, 0.9), height);
        let style = match random.count(0, 6) {
            0..=1 => TableStyle::Drawers(random.sign()),
            2 => TableStyle::Panels,
            3..=4 if held_out => TableStyle::TFeet,
            3 => TableStyle::Trestle,
            _ => TableStyle::Legs,
        };
        Self::draw(random, style, size)
    }

    /// The side arm that would make this desk an L, away from its drawers.
    pub fn draw_return(&self, random: &mut Random) -> Return {
        let side = match self.style {
            TableStyle::Drawers(side) => side,
            _ => random.sign(),
        };
        Return { side, width: random.range(0.4, 0.6), reach: random.range(0.4, 1.0) }
    }

    /// Adds the side arm to the desk that was built last.
    pub fn build_return(&self, mesh: &mut Mesh, arm: Return) {
        let under = self.size.z - self.top;
        let (x, y) = (arm.side * (self.size.x - arm.width) / 2.0, (self.size.y + arm.reach) / 2.0);
        mesh.standing(x, y, under, vec3(arm.width, arm.reach, self.top), self.board);
        let end = y + arm.reach / 2.0 - 0.02;
        mesh.standing(x, end, 0.0, vec3(arm.width * 0.9, 0.03, under), self.board);
    }

    /// A low table before a sofa.
    pub fn low(random: &mut Random) -> Self {
        let round = random.chance(0.25);
        let width = if round { random.range(0.6, 0.9) } else { random.range(0.8, 1.2) };
        let depth = if round { width } else { random.range(0.45, 0.65) };
        let flat = [TableStyle::Legs, TableStyle::Panels, TableStyle::Pedestal];
        let style = if round { TableStyle::Round } else { random.pick(&flat) };
        let height = random.range(0.32, 0.55);
        Self::draw(random, style, vec3(width, depth, height))
    }

    /// Whether the top is an ellipse inside the footprint.
    pub fn is_oval(&self) -> bool {
        self.oval && self.style == TableStyle::Pedestal
    }

    /// Half size of the rectangle in the middle of the top on which things may stand.
    pub fn usable(&self) -> [f32; 2] {
        let share = if self.style == TableStyle::Round || self.is_oval() { 0.34 } else { 0.5 };
        [self.size.x * share, self.size.y * share]
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
        if let Some(index) = self.model {
            mesh.model(random, index);
            return id;
        }
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let under = height - self.top;
        if self.style == TableStyle::Round {
            let radius = width / 2.0;
            mesh.disc(Vec3::Z * under, [radius, radius], self.top, self.board);
            if self.oval {
                let inset = radius * 0.62;
                for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                    let (foot, head) =
                        (vec3(sx * inset, sy * inset, 0.0), vec3(sx * inset * 0.9, sy * inset * 0.9, under));
                    mesh.cylinder(foot, head, 0.022, 8, self.frame);
                }
                return id;
            }
            mesh.cylinder(Vec3::Z * 0.03, Vec3::Z * under, random.range(0.03, 0.06), 10, self.frame);
            mesh.cone(Vec3::Z * 0.002, Vec3::Z * 0.03, [radius * 0.55, radius * 0.5], 14, self.frame);
            return id;
        }
        let (hx, hy) = (width / 2.0, depth / 2.0);
        if self.is_oval() {
            mesh.disc(Vec3::Z * under, [hx, hy], self.top, self.board);
        } else {
            mesh.standing(0.0, 0.0, under, vec3(width, depth, self.top), self.board);
        }
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
            TableStyle::Pedestal => {
                let columns: &[f32] = if width > 1.3 { &[-0.28, 0.28] } else { &[0.0] };
                let square = random.chance(0.5);
                for x in columns.iter().map(|at| at * width) {
                    if square {
                        mesh.standing(x, 0.0, 0.0, vec3(0.3, depth * 0.5, 0.04), self.frame);
                        mesh.standing(x, 0.0, 0.04, vec3(0.12, 0.12, under - 0.04), self.frame);
                    } else {
                        mesh.cone(vec3(x, 0.0, 0.0), vec3(x, 0.0, 0.03), [depth * 0.33, depth * 0.28], 14, self.frame);
                        mesh.cylinder(vec3(x, 0.0, 0.03), vec3(x, 0.0, under), 0.05, 10, self.frame);
                    }
                }
            }
            TableStyle::Trestle => {
                for x in [-hx * 0.75, hx * 0.75] {
                    for y in [-hy * 0.85, hy * 0.85] {
                        for lean in [-0.1, 0.1] {
                            let foot = vec3(x + lean, y, 0.012);
                            mesh.cylinder(foot, vec3(x, y, under), 0.018, 7, self.frame);
                        }
                    }
                    mesh.cuboid(vec3(x, 0.0, under - 0.03), vec3(0.04, depth * 0.85, 0.05), self.frame);
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
        if self.modesty && height > 0.6 && !self.is_oval() {
            let drop = random.range(0.25, 0.5);
            mesh.standing(0.0, -hy + 0.1, under - drop, vec3(width * 0.9, 0.018, drop), self.board);
        }
        id
    }
}
