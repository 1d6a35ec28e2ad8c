//! Triangles with labels, and the primitives that furniture is composed of.

use glam::{Affine3A, Quat, Vec3, Vec3A, vec3};
use obvhs::triangle::Triangle;

use super::{class::Class, material::Material};

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

    /// A capped cylinder between two points.
    pub fn cylinder(&mut self, from: Vec3, to: Vec3, radius: f32, sides: usize, material: Material) {
        self.cone(from, to, [radius, radius], sides, material);
    }

    /// A low-polygon ellipsoid, 8 × 5.
    pub fn ellipsoid(&mut self, centre: Vec3, radii: Vec3, material: Material) {
        const AROUND: usize = 8;
        const RINGS: usize = 5;
        let surface = self.surface(material);
        let point = |ring: usize, side: usize| {
            let (s, c) = (std::f32::consts::PI * ring as f32 / RINGS as f32).sin_cos();
            let (sin, cos) = (std::f32::consts::TAU * (side % AROUND) as f32 / AROUND as f32).sin_cos();
            centre + radii * vec3(s * cos, s * sin, -c)
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
    }
}
