//! Chairs and stools.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, library::Model, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChairStyle {
    /// Four straight or splayed legs.
    FourLegs,
    /// Gas spring on a five-pointed star with castors.
    Swivel,
    /// Two bent tubes (sled base). Held out: training never sees it.
    Sled,
    /// High or low stool with a small back or none.
    Stool,
    /// A bucket that bends around the sitter, on four legs or a column with a plate.
    Shell,
}

impl ChairStyle {
    /// A style for visitors, waiting rooms and dinner tables.
    pub fn visitor(random: &mut Random, held_out: bool) -> Self {
        use ChairStyle::{FourLegs, Shell, Sled};
        if held_out { random.pick(&[Sled, Sled, FourLegs, Shell]) } else { random.pick(&[FourLegs, FourLegs, Shell]) }
    }
}

/// The upper part of a back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Back {
    /// One plate or pad.
    Plate,
    /// Three slats between two posts.
    Slats,
    /// Bent around the sitter.
    Bent,
}

/// A chair whose seat is centred on the origin; the sitter looks towards +y.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chair {
    pub style: ChairStyle,
    pub arms: bool,
    pub seat_height: f32,
    seat: Vec3,
    back_height: f32,
    back_tilt: f32,
    back: Back,
    /// Round edges, as upholstery and moulded plastic have.
    soft: bool,
    headrest: bool,
    /// Column and plate instead of legs, for shells and stools.
    column: bool,
    cover: Material,
    frame: Material,
    /// A mesh instead of all this, with its width and depth.
    model: Option<(u32, [f32; 2])>,
}

impl Chair {
    pub fn draw(random: &mut Random, style: ChairStyle) -> Self {
        let swivel = style == ChairStyle::Swivel;
        let stool = style == ChairStyle::Stool;
        let shell = style == ChairStyle::Shell;
        let width = if stool { random.range(0.32, 0.4) } else { random.range(0.4, 0.54) };
        let seat_height = if stool { random.pick(&[0.45, 0.55, 0.65, 0.75]) } else { random.range(0.4, 0.5) };
        let top = if swivel { random.range(0.82, 1.25) } else { random.range(0.74, 1.02) };
        let back = match style {
            ChairStyle::Shell => Back::Bent,
            ChairStyle::Swivel if random.chance(0.3) => Back::Bent,
            ChairStyle::FourLegs | ChairStyle::Sled if random.chance(0.35) => Back::Slats,
            ChairStyle::FourLegs if random.chance(0.15) => Back::Bent,
            _ => Back::Plate,
        };
        Self {
            style,
            arms: !stool && random.chance(if swivel { 0.6 } else { 0.25 }),
            seat_height,
            seat: vec3(width, width * random.range(0.88, 1.05), random.range(0.025, 0.1)),
            back_height: if stool { random.pick(&[0.0, 0.0, 0.12, 0.18]) } else { top - seat_height },
            back_tilt: random.range(0.03, 0.24),
            back,
            soft: random.chance(if swivel { 0.7 } else { 0.35 }),
            headrest: swivel && random.chance(0.2),
            column: (shell && random.chance(0.4)) || (stool && random.chance(0.4)),
            cover: match style {
                ChairStyle::Swivel => random.fabric(),
                ChairStyle::Shell => random.plastic(),
                _ if random.chance(0.4) => random.wood(),
                _ => random.fabric(),
            },
            frame: if random.chance(0.35) && !swivel { random.wood() } else { random.metal() },
            model: None,
        }
    }

    /// A mesh in the role of a chair of this style.
    pub fn model(random: &mut Random, style: ChairStyle, index: u32, model: &Model) -> Self {
        let seat_height = if (0.3..0.6).contains(&model.surface) { model.surface } else { 0.45 };
        Self { seat_height, model: Some((index, [model.size.x, model.size.y])), ..Self::draw(random, style) }
    }

    /// How far it reaches behind and before the origin, seen from above.
    fn extent(&self) -> (f32, f32) {
        if let Some((_, [_, depth])) = self.model {
            return (depth / 2.0, depth / 2.0);
        }
        let base = if self.style == ChairStyle::Swivel { 0.3 } else { 0.0 };
        let half = self.seat.y / 2.0;
        let lean = self.back_height * self.back_tilt.sin() + 0.01;
        ((half + lean.max(0.03)).max(base), (half + 0.03).max(base))
    }

    /// Width and depth of the floor it covers.
    pub fn size(&self) -> [f32; 2] {
        if let Some((_, size)) = self.model {
            return size;
        }
        let base = if self.style == ChairStyle::Swivel { 0.6 } else { 0.0 };
        let arms = if self.arms { 0.1 } else { 0.0 };
        let (rear, front) = self.extent();
        [(self.seat.x + arms + 0.06).max(base), rear + front]
    }

    /// Centre of that floor along y, from the origin below the seat's centre.
    pub fn centre(&self) -> f32 {
        let (rear, front) = self.extent();
        (front - rear) / 2.0
    }

    /// Distance from the origin to the seat's front edge.
    pub fn front(&self) -> f32 {
        self.model.map_or(self.seat.y, |(_, [_, depth])| depth) / 2.0
    }

    /// How far the base stands out before the seat.
    pub fn toe(&self) -> f32 {
        self.extent().1 - self.front()
    }

    /// Whether nothing of it but the seat is at the height of a table top.
    pub fn reaches_under(&self, height: f32) -> bool {
        self.model.is_none() && !self.arms && self.back != Back::Bent && self.seat_height + 0.04 < height - 0.09
    }

    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Chair, place);
        if let Some((index, _)) = self.model {
            mesh.model(random, index);
            return id;
        }
        let half_x = self.seat.x / 2.0;
        let under = self.seat_height - self.seat.z;
        let middle = vec3(0.0, 0.0, under + self.seat.z / 2.0);
        if self.style == ChairStyle::Stool && random.chance(0.6) {
            mesh.cylinder(Vec3::Z * under, Vec3::Z * self.seat_height, half_x, 12, self.cover);
        } else if self.soft {
            mesh.cushion(middle, self.seat, Quat::IDENTITY, self.cover);
        } else {
            mesh.cuboid(middle, self.seat, self.cover);
        }
        match self.style {
            _ if self.column => self.column(mesh, under),
            ChairStyle::FourLegs | ChairStyle::Stool | ChairStyle::Shell => self.legs(mesh, random, under),
            ChairStyle::Swivel => self.star(mesh, random, under),
            ChairStyle::Sled => self.sled(mesh, under),
        }
        if self.back_height > 0.0 {
            self.back(mesh);
        }
        if self.arms {
            let height = self.seat_height + random.range(0.17, 0.24);
            let loop_arm = random.chance(0.4);
            for x in [-half_x - 0.03, half_x + 0.03] {
                mesh.cuboid(vec3(x, 0.0, height), vec3(0.05, self.seat.y * 0.75, 0.03), self.frame);
                for y in if loop_arm { [-0.3, 0.3] } else { [0.05, 0.05] } {
                    let post = vec3(x, y * self.seat.y, (height + under) / 2.0);
                    mesh.cuboid(post, vec3(0.025, 0.04, height - under), self.frame);
                }
            }
        }
        id
    }

    fn legs(&self, mesh: &mut Mesh, random: &mut Random, under: f32) {
        let splay = random.range(0.0, 0.03);
        let thick = random.range(0.01, 0.022);
        let square = random.chance(0.4);
        for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
            let (x, y) = (sx * (self.seat.x / 2.0 - 0.03), sy * (self.seat.y / 2.0 - 0.03));
            if square {
                mesh.standing(x, y, 0.0, vec3(2.0 * thick, 2.0 * thick, under), self.frame);
            } else {
                mesh.cylinder(vec3(x + sx * splay, y + sy * splay, 0.0), vec3(x, y, under), thick, 8, self.frame);
            }
        }
        if self.style == ChairStyle::Stool || random.chance(0.3) {
            let (x, y, z) = (self.seat.x / 2.0 - 0.03, self.seat.y / 2.0 - 0.03, under * 0.35);
            mesh.cylinder(vec3(-x, y, z), vec3(x, y, z), 0.01, 6, self.frame);
            mesh.cylinder(vec3(-x, -y, z), vec3(x, -y, z), 0.01, 6, self.frame);
        }
    }

    fn column(&self, mesh: &mut Mesh, under: f32) {
        let plate = self.seat.x * 0.48;
        mesh.cone(Vec3::ZERO, Vec3::Z * 0.03, [plate, plate * 0.8], 14, self.frame);
        mesh.cylinder(Vec3::Z * 0.03, Vec3::Z * under, 0.03, 8, self.frame);
    }

    fn sled(&self, mesh: &mut Mesh, under: f32) {
        let (half_x, half_y) = (self.seat.x / 2.0, self.seat.y / 2.0);
        let r = 0.013;
        for x in [-half_x + 0.02, half_x - 0.02] {
            let (front, rear) = (half_y - 0.03, -half_y + 0.01);
            mesh.cylinder(vec3(x, rear, r), vec3(x, front, r), r, 8, self.frame);
            mesh.cylinder(vec3(x, front, r), vec3(x, front - 0.04, under), r, 8, self.frame);
            mesh.cylinder(vec3(x, rear, r), vec3(x, rear + 0.03, under), r, 8, self.frame);
        }
    }

    fn star(&self, mesh: &mut Mesh, random: &mut Random, under: f32) {
        let turn = random.range(0.0, 1.25);
        let reach = 0.28;
        mesh.cylinder(vec3(0.0, 0.0, 0.09), vec3(0.0, 0.0, under), 0.028, 8, self.frame);
        // The mechanism below the seat.
        mesh.cuboid(vec3(0.0, 0.0, under - 0.03), vec3(0.16, 0.24, 0.06), self.frame);
        for foot in 0..5 {
            let (sin, cos) = (turn + std::f32::consts::TAU * foot as f32 / 5.0).sin_cos();
            let tip = vec3(cos * reach, sin * reach, 0.075);
            mesh.cone(vec3(0.0, 0.0, 0.11), tip, [0.03, 0.018], 6, self.frame);
            mesh.ellipsoid(vec3(tip.x, tip.y, 0.03), vec3(0.02, 0.02, 0.03), self.frame);
        }
    }

    fn back(&self, mesh: &mut Mesh) {
        let hinge = vec3(0.0, -self.seat.y / 2.0 + 0.02, self.seat_height);
        let tilt = Quat::from_rotation_x(self.back_tilt);
        let at = |x: f32, z: f32| hinge + tilt * vec3(x, 0.0, z);
        let width = self.seat.x * 0.94;
        if self.back == Back::Slats {
            for x in [-width / 2.0 + 0.02, width / 2.0 - 0.02] {
                let post = vec3(0.035, 0.025, self.back_height);
                mesh.turned_cuboid(at(x, self.back_height / 2.0), post, tilt, self.frame);
            }
            for slat in 0..3 {
                let z = self.back_height * (0.95 - 0.25 * slat as f32) - 0.02;
                mesh.turned_cuboid(at(0.0, z), vec3(width - 0.05, 0.016, 0.06), tilt, self.cover);
            }
            return;
        }
        if self.back == Back::Bent {
            // Around the rear half of the seat; low shells go further round.
            let radius = self.seat.x / 2.0 - 0.025;
            let rear = -std::f32::consts::FRAC_PI_2;
            let reach = if self.back_height < 0.4 { 1.5 } else { 1.0 };
            let gap = if self.style == ChairStyle::Swivel { 0.1 } else { -0.02 };
            let centre = vec3(0.0, radius - self.seat.y / 2.0, self.seat_height + gap);
            mesh.arc(centre, radius, 0.025, [rear - reach, rear + reach], self.back_height - gap, self.cover);
            if gap > 0.0 {
                mesh.turned_cuboid(at(0.0, 0.1), vec3(0.07, 0.025, 0.25), Quat::IDENTITY, self.frame);
            }
            return;
        }
        let gap = if self.style == ChairStyle::Swivel { 0.12f32.min(self.back_height * 0.3) } else { 0.0 };
        if gap > 0.0 {
            mesh.turned_cuboid(at(0.0, gap / 2.0), vec3(0.07, 0.025, gap + 0.1), tilt, self.frame);
        }
        let mut height = self.back_height - gap;
        if self.headrest && height > 0.45 {
            height -= 0.16;
            let z = gap + height;
            mesh.turned_cuboid(at(0.0, z + 0.03), vec3(0.03, 0.02, 0.1), tilt, self.frame);
            mesh.cushion(at(0.0, z + 0.1), vec3(width * 0.55, 0.07, 0.14), tilt, self.cover);
        }
        let size = vec3(width, if self.soft { 0.075 } else { 0.045 }, height);
        if self.soft {
            mesh.cushion(at(0.0, gap + height / 2.0), size, tilt, self.cover);
        } else {
            mesh.turned_cuboid(at(0.0, gap + height / 2.0), size, tilt, self.cover);
        }
    }
}
