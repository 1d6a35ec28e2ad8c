//! People, who are clutter to S3DIS and the first thing that a robot meets.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Posture {
    Standing,
    Walking,
    /// On a seat of this height.
    Sitting(f32),
}

/// A person who stands on the origin, or sits with the hips above it, and looks towards +y.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    posture: Posture,
    height: f32,
    girth: f32,
    skirt: bool,
    skin: Material,
    hair: Material,
    top: Material,
    bottom: Material,
    shoe: Material,
}

impl Person {
    fn draw(random: &mut Random, posture: Posture) -> Self {
        Self {
            posture,
            height: random.range(1.5, 1.93),
            girth: random.range(0.85, 1.3),
            skirt: random.chance(0.12),
            skin: random.skin(),
            hair: random.hair(),
            top: random.fabric(),
            bottom: random.fabric(),
            shoe: random.fabric(),
        }
    }

    /// Someone on their feet.
    pub fn standing(random: &mut Random) -> Self {
        let posture = if random.chance(0.6) { Posture::Standing } else { Posture::Walking };
        Self::draw(random, posture)
    }

    /// Someone on a seat of this height.
    pub fn sitting(random: &mut Random, seat: f32) -> Self {
        Self::draw(random, Posture::Sitting(seat))
    }

    /// Width and depth of the floor that a standing person covers, arms and legs included.
    pub fn size(&self) -> [f32; 2] {
        [0.7, 0.95]
    }

    /// Height of the crown above the floor.
    pub fn crown(&self) -> f32 {
        self.height
    }

    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> u32 {
        let id = mesh.object(Class::Clutter, place);
        // Proportions of the body's height after Drillis & Contini (1966).
        let h = self.height;
        let (thigh, shank, torso) = (0.245 * h, 0.27 * h, 0.29 * h);
        let hips = match self.posture {
            Posture::Sitting(seat) => seat + 0.06,
            _ => thigh + shank,
        };
        let broad = 0.105 * h;
        let lean = match self.posture {
            Posture::Sitting(_) => random.range(-0.2, 0.25),
            _ => random.range(-0.02, 0.12),
        };
        self.legs(mesh, random, hips, thigh, shank);
        let trunk = Quat::from_rotation_x(-lean);
        let at = |x: f32, y: f32, z: f32| vec3(0.0, 0.0, hips) + trunk * vec3(x, y, z);
        let deep = 0.13 * h * self.girth;
        mesh.cushion(at(0.0, 0.0, torso * 0.5), vec3(2.0 * broad, deep, torso * 1.12), trunk, self.top);
        if self.girth > 1.1 {
            mesh.ellipsoid(at(0.0, deep * 0.2, torso * 0.3), vec3(broad * 0.9, deep * 0.55, torso * 0.3), self.top);
        }
        let neck = at(0.0, 0.0, torso * 1.05);
        mesh.cylinder(neck, at(0.0, 0.01, torso * 1.05 + 0.08), 0.055, 8, self.skin);
        let head = at(0.0, 0.025, torso * 1.05 + 0.145);
        mesh.ellipsoid(head, vec3(0.075, 0.095, 0.12), self.skin);
        let fringe = if random.chance(0.3) { 0.13 } else { 0.09 };
        mesh.ellipsoid(head + vec3(0.0, -0.02, 0.035), vec3(0.085, 0.095, fringe), self.hair);
        for side in [-1.0, 1.0] {
            self.arm(mesh, random, at(side * (broad + 0.02), 0.0, torso * 0.95), side);
        }
        id
    }

    fn legs(&self, mesh: &mut Mesh, random: &mut Random, hips: f32, thigh: f32, shank: f32) {
        let wide = 0.075 * self.girth;
        let stride = if self.posture == Posture::Walking { random.range(0.15, 0.3) } else { random.range(0.0, 0.06) };
        let ahead = random.sign();
        for side in [-1.0, 1.0] {
            let hip = vec3(side * 0.09, 0.0, hips);
            let (knee, ankle) = match self.posture {
                Posture::Sitting(_) => {
                    let knee = vec3(side * random.range(0.09, 0.2), thigh, hips + 0.01);
                    let foot = knee.y + random.range(-0.2, 0.15);
                    (knee, vec3(knee.x, foot, (hips - shank).clamp(0.075, 0.5)))
                }
                _ => {
                    let swing = side * ahead * stride;
                    let back = if swing < 0.0 { -swing * 0.25 } else { 0.0 };
                    let drop = (shank + thigh - hips).max(0.0);
                    let ankle = vec3(side * 0.1, swing * 0.85, 0.07 + back * 0.3 + drop);
                    ((hip + ankle) / 2.0 + Vec3::Y * stride * 0.25, ankle)
                }
            };
            let lower = if self.skirt { self.skin } else { self.bottom };
            mesh.cone(hip, knee, [wide * 1.15, wide * 0.85], 8, self.bottom);
            mesh.ellipsoid(knee, Vec3::splat(wide * 0.86), lower);
            mesh.cone(knee, ankle, [wide * 0.82, wide * 0.55], 8, lower);
            mesh.cushion(ankle + vec3(0.0, 0.06, -0.03), vec3(0.09, 0.26, 0.08), Quat::IDENTITY, self.shoe);
        }
        if self.skirt && !matches!(self.posture, Posture::Sitting(_)) {
            mesh.cone(vec3(0.0, 0.0, hips * 0.62), vec3(0.0, 0.0, hips + 0.05), [0.24, 0.15], 12, self.bottom);
        }
    }

    fn arm(&self, mesh: &mut Mesh, random: &mut Random, shoulder: Vec3, side: f32) {
        let (upper, lower) = (0.18 * self.height, 0.15 * self.height);
        let thick = 0.045 * self.girth.min(1.15);
        // Hanging, bent at the elbow, or reaching for a table.
        let (raise, bend) = match self.posture {
            Posture::Sitting(_) => (random.range(0.1, 0.9), random.range(0.7, 1.6)),
            _ if random.chance(0.3) => (random.range(0.0, 0.4), random.range(0.6, 1.6)),
            _ => (random.range(-0.25, 0.25), random.range(0.05, 0.4)),
        };
        let spread = side * random.range(0.0, 0.04);
        let along = |angle: f32, length: f32| vec3(spread, angle.sin() * length, -angle.cos() * length);
        let elbow = shoulder + along(raise, upper);
        let hand = elbow + along(raise + bend, lower);
        let sleeve = if random.chance(0.35) { self.skin } else { self.top };
        mesh.ellipsoid(shoulder, Vec3::splat(thick * 1.35), self.top);
        mesh.cone(shoulder, elbow, [thick * 1.1, thick * 0.9], 8, self.top);
        mesh.ellipsoid(elbow, Vec3::splat(thick * 0.9), sleeve);
        mesh.cone(elbow, hand, [thick * 0.85, thick * 0.65], 8, sleeve);
        mesh.ellipsoid(hand, vec3(0.04, 0.06, 0.06), self.skin);
    }
}
