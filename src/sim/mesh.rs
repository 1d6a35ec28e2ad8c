//! Triangles with labels, and the primitives that furniture is composed of.

use std::sync::Arc;

use glam::{Affine3A, Quat, Vec3, Vec3A, vec3};
use obvhs::triangle::Triangle;

use super::{class::Class, library::MeshLibrary, material::Material, random::Random};

/// What a triangle belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// Class of the object.
    pub class: Class,
    /// Index into [`Scene::objects`](super::Scene::objects).
    pub instance: u32,
    /// Index into [`Scene::materials`](super::Scene::materials).
    pub material: u32,
}

/// A growing triangle soup. Primitives are given in the frame of the object being built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mesh {
    pub triangles: Vec<Triangle>,
    pub surfaces: Vec<Surface>,
    pub materials: Vec<Material>,
    /// Class of each object, by instance.
    pub objects: Vec<Class>,
    /// Models that furniture may be.
    pub library: Option<Arc<MeshLibrary>>,
    frame: Affine3A,
}

impl Mesh {
    /// Starts a new object whose primitives live in `frame` (object → room).
    pub fn object(&mut self, class: Class, frame: Affine3A) -> u32 {
        self.objects.push(class);
        self.frame = frame;
        self.objects.len() as u32 - 1
    }

    fn surface(&mut self, material: Material) -> Surface {
        let index = match self.materials.last() {
            Some(last) if *last == material => self.materials.len() - 1,
            _ => {
                self.materials.push(material);
                self.materials.len() - 1
            }
        };
        let instance = self.objects.len() as u32 - 1;
        Surface { class: self.objects[instance as usize], instance, material: index as u32 }
    }

    fn push(&mut self, a: Vec3, b: Vec3, c: Vec3, surface: Surface) {
        let place = |v: Vec3| self.frame.transform_point3a(Vec3A::from(v));
        self.triangles.push(Triangle { v0: place(a), v1: place(b), v2: place(c) });
        self.surfaces.push(surface);
    }

    /// A model of the library, in the frame of the object being built. Its textures become cloth or wood; half of
    /// the time all its colours are other ones.
    pub fn model(&mut self, random: &mut Random, index: u32) {
        let Some(library) = self.library.clone() else { return };
        let model = library.model(index);
        let recolour = random.chance(0.5);
        let first = self.materials.len();
        for colour in &model.palette {
            let material = match colour {
                Some(colour) if !recolour => Material::plain(*colour),
                _ if random.chance(0.4) => random.fabric(),
                _ if random.chance(0.6) => random.wood(),
                _ => random.plastic(),
            };
            self.materials.push(material);
        }
        let instance = self.objects.len() as u32 - 1;
        let class = self.objects[instance as usize];
        for ([a, b, c], colour) in model.triangles.iter().zip(&model.colours) {
            let material = (first + usize::from(*colour)) as u32;
            self.push(*a, *b, *c, Surface { class, instance, material });
        }
    }

    /// A flat quadrilateral, corners in order.
    pub fn quad(&mut self, corners: [Vec3; 4], material: Material) {
        let surface = self.surface(material);
        let [a, b, c, d] = corners;
        self.push(a, b, c, surface);
        self.push(a, c, d, surface);
    }

    /// An upright box: centre and full size.
    pub fn cuboid(&mut self, centre: Vec3, size: Vec3, material: Material) {
        self.turned_cuboid(centre, size, Quat::IDENTITY, material);
    }

    /// A box standing on z = `bottom`.
    pub fn standing(&mut self, x: f32, y: f32, bottom: f32, size: Vec3, material: Material) {
        self.cuboid(vec3(x, y, bottom + size.z / 2.0), size, material);
    }

    /// A box turned about its centre.
    pub fn turned_cuboid(&mut self, centre: Vec3, size: Vec3, turn: Quat, material: Material) {
        let surface = self.surface(material);
        let half = size / 2.0;
        let corner = |i: usize| {
            let sign = |bit: usize| if i >> bit & 1 == 1 { 1.0 } else { -1.0 };
            centre + turn * (half * vec3(sign(0), sign(1), sign(2)))
        };
        // Each face counter-clockwise from outside.
        for [a, b, c, d] in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]] {
            self.push(corner(a), corner(b), corner(c), surface);
            self.push(corner(a), corner(c), corner(d), surface);
        }
    }

    /// A capped cone frustum between two points; a cylinder when the radii are equal.
    pub fn cone(&mut self, from: Vec3, to: Vec3, radii: [f32; 2], sides: usize, material: Material) {
        let axis = to - from;
        if axis.length_squared() < 1e-10 {
            return;
        }
        let surface = self.surface(material);
        let (right, up) = axis.normalize().any_orthonormal_pair();
        let rim = |centre: Vec3, radius: f32, side: usize| {
            let (sin, cos) = (std::f32::consts::TAU * (side % sides) as f32 / sides as f32).sin_cos();
            centre + (right * cos + up * sin) * radius
        };
        for side in 0..sides {
            let (a, b) = (rim(from, radii[0], side), rim(from, radii[0], side + 1));
            let (c, d) = (rim(to, radii[1], side + 1), rim(to, radii[1], side));
            if radii[0] > 0.0 {
                self.push(a, b, c, surface);
                self.push(from, b, a, surface);
            }
            if radii[1] > 0.0 {
                self.push(a, c, d, surface);
                self.push(to, d, c, surface);
            }
        }
    }

    /// A wall of constant thickness that bends around the z axis through `centre`: `radius` and `thickness` at
    /// its inner side, from angle to angle (0 = +x, radians), from z to z of `centre`.
    pub fn arc(
        &mut self,
        centre: Vec3,
        radius: f32,
        thickness: f32,
        angles: [f32; 2],
        height: f32,
        material: Material,
    ) {
        const PARTS: usize = 7;
        let surface = self.surface(material);
        let at = |part: usize, outer: bool, top: bool| {
            let angle = angles[0] + (angles[1] - angles[0]) * part as f32 / PARTS as f32;
            let reach = radius + if outer { thickness } else { 0.0 };
            let (sin, cos) = angle.sin_cos();
            centre + vec3(reach * cos, reach * sin, if top { height } else { 0.0 })
        };
        let mut face = |a: Vec3, b: Vec3, c: Vec3, d: Vec3| {
            self.push(a, b, c, surface);
            self.push(a, c, d, surface);
        };
        for i in 0..PARTS {
            let j = i + 1;
            face(at(i, true, false), at(j, true, false), at(j, true, true), at(i, true, true));
            face(at(j, false, false), at(i, false, false), at(i, false, true), at(j, false, true));
            face(at(i, false, true), at(i, true, true), at(j, true, true), at(j, false, true));
            face(at(i, true, false), at(i, false, false), at(j, false, false), at(j, true, false));
        }
        face(at(0, false, false), at(0, true, false), at(0, true, true), at(0, false, true));
        face(at(PARTS, true, false), at(PARTS, false, false), at(PARTS, false, true), at(PARTS, true, true));
    }

    /// An upright elliptic disc: centre of its underside, half axes, thickness.
    pub fn disc(&mut self, centre: Vec3, half: [f32; 2], thickness: f32, material: Material) {
        const SIDES: usize = 20;
        let surface = self.surface(material);
        let rim = |side: usize, z: f32| {
            let (sin, cos) = (std::f32::consts::TAU * (side % SIDES) as f32 / SIDES as f32).sin_cos();
            centre + vec3(half[0] * cos, half[1] * sin, z)
        };
        let (low, high) = (centre, centre + Vec3::Z * thickness);
        for side in 0..SIDES {
            let [a, b] = [rim(side, 0.0), rim(side + 1, 0.0)];
            let [c, d] = [rim(side + 1, thickness), rim(side, thickness)];
            self.push(a, b, c, surface);
            self.push(a, c, d, surface);
            self.push(low, b, a, surface);
            self.push(high, d, c, surface);
        }
    }

    /// A capped cylinder between two points.
    pub fn cylinder(&mut self, from: Vec3, to: Vec3, radius: f32, sides: usize, material: Material) {
        self.cone(from, to, [radius, radius], sides, material);
    }

    /// A low-polygon ellipsoid, 8 × 5.
    pub fn ellipsoid(&mut self, centre: Vec3, radii: Vec3, material: Material) {
        self.bulge::<8, 5>(|p| centre + radii * p, material);
    }

    /// A box with round edges, as upholstery has them: centre and full size, turned about the centre.
    pub fn cushion(&mut self, centre: Vec3, size: Vec3, turn: Quat, material: Material) {
        // The square root of each coordinate of a sphere: a superellipsoid of exponent 4.
        let swell = |v: f32| v.abs().sqrt().copysign(v);
        self.bulge::<12, 8>(|p| centre + turn * (size / 2.0 * vec3(swell(p.x), swell(p.y), swell(p.z))), material);
    }

    /// An image of the unit sphere of so many sides and rings.
    fn bulge<const AROUND: usize, const RINGS: usize>(&mut self, image: impl Fn(Vec3) -> Vec3, material: Material) {
        let surface = self.surface(material);
        let point = |ring: usize, side: usize| {
            // The poles exactly, so that they are one point.
            let (s, c) = match ring {
                0 => (0.0, 1.0),
                ring if ring == RINGS => (0.0, -1.0),
                _ => (std::f32::consts::PI * ring as f32 / RINGS as f32).sin_cos(),
            };
            let (sin, cos) = (std::f32::consts::TAU * (side % AROUND) as f32 / AROUND as f32).sin_cos();
            image(vec3(s * cos, s * sin, -c))
        };
        for ring in 0..RINGS {
            for side in 0..AROUND {
                let [a, b] = [point(ring, side), point(ring, side + 1)];
                let [c, d] = [point(ring + 1, side + 1), point(ring + 1, side)];
                if ring > 0 {
                    self.push(a, b, c, surface);
                }
                if ring + 1 < RINGS {
                    self.push(a, c, d, surface);
                }
            }
        }
    }
}

/// Object standing at (x, y, z), turned by `yaw` radians about z.
pub(crate) fn standing_at(x: f32, y: f32, z: f32, yaw: f32) -> Affine3A {
    Affine3A::from_rotation_translation(Quat::from_rotation_z(yaw), vec3(x, y, z))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every primitive is closed and faces outwards: the divergence theorem gives its volume.
    fn volume(build: impl Fn(&mut Mesh, Material)) -> f32 {
        let mut mesh = Mesh::default();
        mesh.object(Class::Clutter, Affine3A::from_translation(vec3(3.0, -2.0, 1.0)));
        build(&mut mesh, Material::plain([0.5; 3]));
        mesh.triangles.iter().map(|t| t.v0.dot(t.v1.cross(t.v2)) / 6.0).sum()
    }

    #[test]
    fn primitives_are_closed_and_face_outwards() {
        let cuboid = volume(|m, k| m.turned_cuboid(Vec3::ONE, vec3(1.0, 2.0, 3.0), Quat::from_rotation_x(0.3), k));
        assert!((cuboid - 6.0).abs() < 1e-3, "{cuboid}");
        let cylinder = volume(|m, k| m.cylinder(Vec3::ZERO, vec3(0.3, 0.0, 2.0), 0.5, 16, k));
        assert!((cylinder / (2.0224 * 0.25 * 3.0615) - 1.0).abs() < 1e-2, "{cylinder}");
        let ball = volume(|m, k| m.ellipsoid(Vec3::ZERO, Vec3::splat(1.0), k));
        assert!((2.8..4.19).contains(&ball), "{ball}");
        let cushion = volume(|m, k| m.cushion(Vec3::ONE, vec3(1.0, 2.0, 0.5), Quat::from_rotation_y(0.4), k));
        assert!((0.7..1.0).contains(&cushion), "{cushion} of a box of 1");
        let disc = volume(|m, k| m.disc(Vec3::ONE, [2.0, 1.0], 0.1, k));
        assert!((disc / (0.1 * 2.0 * std::f32::consts::PI) - 1.0).abs() < 0.03, "{disc}");
        let arc = volume(|m, k| m.arc(Vec3::ONE, 0.9, 0.2, [0.3, 1.9], 2.0, k));
        assert!((arc / (0.8 * (1.21 - 0.81) * 2.0) - 1.0).abs() < 0.02, "{arc}");
    }
}
