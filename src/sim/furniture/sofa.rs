//! Sofas and armchairs: with or without arms, corner sofas, settees without back.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, library::Model, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
enum SofaStyle {
    /// Seat, back, arms or none.
    Straight,
    /// One end reaches far into the room (its sign tells the side: −1 or +1 times x).
    Corner(f32),
    /// One seat in a back that bends around it. Held out: training never sees it.
    Tub,
    /// An upholstered block without back.
    Settee,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sofa {
    style: SofaStyle,
    seats: usize,
    /// Width, depth, height of the back.
    pub size: Vec3,
    /// Depth of the seats; less than the whole depth for a corner sofa.
    depth: f32,
    seat_height: f32,
    arm: f32,
    back: f32,
    chaise: bool,
    soft: bool,
    cover: Material,
    /// A mesh instead of all this.
    model: Option<u32>,
}

impl Sofa {
    pub fn draw(random: &mut Random, seats: usize, held_out: bool) -> Self {
        let style = match random.count(0, 11) {
            0..=1 if seats > 1 => SofaStyle::Corner(random.sign()),
            2 => SofaStyle::Settee,
            3..=6 if held_out && seats == 1 => SofaStyle::Tub,
            _ => SofaStyle::Straight,
        };
        let arm = if random.chance(0.85) { random.range(0.08, 0.28) } else { 0.0 };
        let arm = if style == SofaStyle::Settee { 0.0 } else { arm };
        let width = match style {
            SofaStyle::Tub => random.range(0.68, 0.85),
            _ => seats as f32 * random.range(0.55, 0.8) + 2.0 * arm,
        };
        let depth = match style {
            SofaStyle::Tub => width,
            SofaStyle::Settee => random.range(0.45, 0.8),
            _ => random.range(0.72, 1.05),
        };
        let reach = if matches!(style, SofaStyle::Corner(_)) { random.range(0.5, 1.2) } else { 0.0 };
        let seat_height = random.range(0.36, 0.48);
        let height = if style == SofaStyle::Settee { seat_height } else { random.range(0.64, 1.05) };
        Self {
            style,
            seats,
            size: vec3(width, depth + reach, height),
            depth,
            seat_height,
            arm,
            back: random.range(0.12, 0.26),
            chaise: random.chance(0.4),
            soft: random.chance(0.6),
            cover: random.fabric(),
            model: None,
        }
    }

    /// A mesh in the role of a sofa.
    pub fn model(random: &mut Random, index: u32, model: &Model) -> Self {
        Self { size: model.size, model: Some(index), ..Self::draw(random, 1, false) }
    }

    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Sofa, place);
        if let Some(index) = self.model {
            mesh.model(random, index);
            return id;
        }
        let feet = if random.chance(0.65) { random.range(0.04, 0.16) } else { 0.0 };
        if feet > 0.0 {
            let leg = if random.chance(0.5) { random.metal() } else { random.wood() };
            let (hx, hy) = (self.size.x / 2.0 - 0.09, self.depth / 2.0 - 0.09);
            for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                mesh.standing(sx * hx, self.rear() + self.depth / 2.0 + sy * hy, 0.0, vec3(0.05, 0.05, feet), leg);
            }
        }
        match self.style {
            SofaStyle::Tub => self.tub(mesh, feet),
            _ => self.seats(mesh, random, feet),
        }
        id
    }

    /// y of the rear edge.
    fn rear(&self) -> f32 {
        -self.size.y / 2.0
    }

    fn tub(&self, mesh: &mut Mesh, feet: f32) {
        let outer = self.size.x / 2.0;
        let inner = outer - 0.11;
        mesh.cylinder(Vec3::Z * feet, Vec3::Z * (self.seat_height - 0.08), inner + 0.02, 16, self.cover);
        let cushion = vec3(2.0 * inner - 0.02, 2.0 * inner - 0.02, 0.14);
        mesh.cushion(vec3(0.0, 0.03, self.seat_height - 0.06), cushion, Quat::IDENTITY, self.cover);
        let rear = -std::f32::consts::FRAC_PI_2;
        let centre = Vec3::Z * feet;
        mesh.arc(centre, inner, 0.1, [rear - 2.0, rear + 2.0], self.size.z * 0.8 - feet, self.cover);
    }

    /// A block of upholstery.
    fn pad(&self, mesh: &mut Mesh, centre: Vec3, size: Vec3, turn: Quat) {
        if self.soft {
            // Round edges take away volume: neighbours may touch.
            mesh.cushion(centre, size + vec3(0.012, 0.0, 0.0), turn, self.cover);
        } else {
            mesh.turned_cuboid(centre, size, turn, self.cover);
        }
    }

    fn seats(&self, mesh: &mut Mesh, random: &mut Random, feet: f32) {
        let (width, height, rear) = (self.size.x, self.size.z, self.rear());
        let cushion = 0.13f32;
        let low = self.seat_height - cushion;
        let inner = width - 2.0 * self.arm;
        let middle = rear + self.depth / 2.0;
        mesh.standing(0.0, middle, feet, vec3(width, self.depth, low - feet), self.cover);
        let backed = self.style != SofaStyle::Settee;
        let back = if backed { self.back } else { 0.0 };
        if backed {
            let size = vec3(width, self.back, height - low);
            mesh.standing(0.0, rear + self.back / 2.0, low, size, self.cover);
        }
        let each = inner / self.seats as f32;
        let seat_depth = self.depth - back - 0.01;
        let seat_y = rear + back + 0.01 + seat_depth / 2.0;
        for seat in 0..self.seats {
            let x = -inner / 2.0 + each * (seat as f32 + 0.5);
            let size = vec3(each - 0.015, seat_depth, cushion);
            self.pad(mesh, vec3(x, seat_y, low + cushion / 2.0), size, Quat::IDENTITY);
            if self.chaise && backed {
                let rest = (height - self.seat_height) * random.range(0.8, 1.05);
                let centre = vec3(x, rear + self.back + 0.09, self.seat_height + rest / 2.0);
                self.pad(mesh, centre, vec3(each - 0.02, 0.13, rest), Quat::from_rotation_x(0.16));
            }
        }
        if let SofaStyle::Corner(side) = self.style {
            let reach = self.size.y - self.depth;
            let wide = (inner / self.seats as f32 + self.arm).min(width * 0.6);
            let (x, y) = (side * (width - wide) / 2.0, rear + self.depth + reach / 2.0);
            mesh.standing(x, y, feet, vec3(wide, reach, low - feet), self.cover);
            self.pad(mesh, vec3(x, y, low + cushion / 2.0), vec3(wide - 0.01, reach, cushion), Quat::IDENTITY);
            if random.chance(0.5) {
                // Its back, along the outer side.
                let x = side * (width - self.back) / 2.0;
                mesh.standing(x, y, low, vec3(self.back, reach, height - low), self.cover);
            }
        }
        if self.arm > 0.0 {
            let arm_height = self.seat_height + random.range(0.1, 0.24);
            let round = random.chance(0.3) && self.arm > 0.12;
            for side in [-1.0, 1.0] {
                let x = side * (width - self.arm) / 2.0;
                let size = vec3(self.arm, self.depth, arm_height - low);
                mesh.standing(x, middle, low, size, self.cover);
                if round {
                    let end = |y: f32| vec3(x, y, arm_height);
                    let (from, to) = (end(rear + 0.005), end(rear + self.depth - 0.005));
                    mesh.cylinder(from, to, self.arm / 2.0, 10, self.cover);
                }
            }
        }
        // Loose cushions are part of the sofa.
        for _ in 0..if backed && inner > 0.5 { random.count(0, 2) } else { 0 } {
            let cover = random.fabric();
            let x = random.range(-inner / 2.0 + 0.22, inner / 2.0 - 0.22);
            let y = rear + self.back + if self.chaise { 0.26 } else { 0.1 };
            let (lean, twist) = (random.range(0.2, 0.5), random.range(-0.3, 0.3));
            let turn = Quat::from_rotation_z(twist) * Quat::from_rotation_x(lean);
            mesh.cushion(vec3(x, y, self.seat_height + 0.2), vec3(0.42, 0.14, 0.4), turn, cover);
        }
    }
}
