//! Sofas with one to three seats.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sofa {
    seats: usize,
    /// Width, depth, height of the back.
    pub size: Vec3,
    seat_height: f32,
    arm: f32,
    back: f32,
    chaise: bool,
    cover: Material,
}

impl Sofa {
    pub fn draw(random: &mut Random, seats: usize) -> Self {
        let arm = if random.chance(0.85) { random.range(0.1, 0.25) } else { 0.0 };
        let width = seats as f32 * random.range(0.55, 0.75) + 2.0 * arm;
        let size = vec3(width, random.range(0.75, 1.0), random.range(0.68, 0.98));
        Self {
            seats,
            size,
            seat_height: random.range(0.38, 0.47),
            arm,
            back: random.range(0.14, 0.26),
            chaise: random.chance(0.3),
            cover: random.fabric(),
        }
    }

    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Sofa, place);
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let (hx, hy) = (width / 2.0, depth / 2.0);
        let feet = if random.chance(0.6) { random.range(0.04, 0.14) } else { 0.0 };
        if feet > 0.0 {
            let leg = random.metal();
            for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                mesh.standing(sx * (hx - 0.07), sy * (hy - 0.07), 0.0, vec3(0.05, 0.05, feet), leg);
            }
        }
        let cushion = 0.13;
        let inner = width - 2.0 * self.arm;
        mesh.standing(0.0, 0.0, feet, vec3(width, depth, self.seat_height - cushion - feet), self.cover);
        mesh.standing(
            0.0,
            -hy + self.back / 2.0,
            self.seat_height - cushion,
            vec3(width, self.back, height - self.seat_height + cushion),
            self.cover,
        );
        let each = inner / self.seats as f32;
        for seat in 0..self.seats {
            let x = -inner / 2.0 + each * (seat as f32 + 0.5);
            let seat_depth = depth - self.back - 0.01;
            mesh.standing(
                x,
                hy - seat_depth / 2.0,
                self.seat_height - cushion,
                vec3(each - 0.015, seat_depth, cushion),
                self.cover,
            );
            if self.chaise {
                let rest = (height - self.seat_height) * random.range(0.8, 1.05);
                mesh.turned_cuboid(
                    vec3(x, -hy + self.back + 0.09, self.seat_height + rest / 2.0),
                    vec3(each - 0.02, 0.13, rest),
                    Quat::from_rotation_x(0.16),
                    self.cover,
                );
            }
        }
        if self.arm > 0.0 {
            let arm_height = self.seat_height + random.range(0.1, 0.22);
            let low = self.seat_height - cushion;
            for side in [-1.0, 1.0] {
                let x = side * (hx - self.arm / 2.0);
                mesh.standing(x, 0.0, low, vec3(self.arm, depth, arm_height - low), self.cover);
            }
        }
        // Loose cushions are part of the sofa.
        for _ in 0..random.count(0, 2) {
            let cover = random.fabric();
            let x = random.range(-inner / 2.0 + 0.2, inner / 2.0 - 0.2);
            let back = -hy + self.back + if self.chaise { 0.26 } else { 0.1 };
            let (lean, twist) = (random.range(0.2, 0.5), random.range(-0.3, 0.3));
            let turn = Quat::from_rotation_z(twist) * Quat::from_rotation_x(lean);
            mesh.turned_cuboid(vec3(x, back, self.seat_height + 0.2), vec3(0.4, 0.11, 0.36), turn, cover);
        }
        id
    }
}
