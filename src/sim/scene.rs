//! A furnished room as labelled triangles, and rays through it.

use std::{sync::Arc, time::Duration};

use glam::Vec3A;
use obvhs::{
    BvhBuildParams,
    cwbvh::{CwBvh, builder::build_cwbvh_from_tris},
    ray::{Ray, RayHit},
    triangle::Triangle,
};

use super::{
    class::Class,
    footprint::Footprint,
    layout::Layout,
    library::MeshLibrary,
    material::Material,
    mesh::{Mesh, Surface},
    random::Random,
    rooms,
    shell::{self, Shape},
};

/// What a room is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum RoomKind {
    Office,
    Corridor,
    Meeting,
    Living,
    Laboratory,
    Storage,
    /// Held out: training never sees it.
    Classroom,
    OpenOffice,
    Lobby,
    /// Held out: training never sees it.
    Canteen,
}

impl RoomKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Office,
        Self::Corridor,
        Self::Meeting,
        Self::Living,
        Self::Laboratory,
        Self::Storage,
        Self::Classroom,
        Self::OpenOffice,
        Self::Lobby,
        Self::Canteen,
    ];

    /// Whether rooms of this kind are kept from training, see [`SceneOptions::held_out`].
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::Classroom | Self::Canteen)
    }

    /// Draws a kind as often as houses have it; a third of the held-out rooms are of kinds that training never sees.
    fn draw(random: &mut Random, held_out: bool) -> Self {
        use RoomKind::*;
        if held_out && random.chance(1.0 / 3.0) {
            return random.pick(&[Classroom, Canteen]);
        }
        random.pick(&[
            Office, Office, Office, Corridor, Corridor, Meeting, Meeting, Living, Living, Laboratory, Storage,
            OpenOffice, Lobby,
        ])
    }
}

/// What may be chosen about a scene; everything else follows from the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneOptions {
    /// Kind of room; `None` lets the seed choose.
    pub kind: Option<RoomKind>,
    /// How much furniture: 0 = empty room, 1 = as usual, more = crowded.
    pub density: f32,
    /// Whether the room is to judge by. `false`, the rooms to train on: nothing that is kept for judging is used.
    /// `true`: a third of the rooms are of kinds that training never sees ([`RoomKind::is_held_out`]), furniture may
    /// be of reserved families (sled chairs, tables on T-shaped feet, tub armchairs), and of the meshes only those
    /// are used that training never sees.
    pub held_out: bool,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self { kind: None, density: 1.0, held_out: false }
    }
}

/// A piece that stands on the floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Index into [`Scene::objects`].
    pub instance: u32,
    /// Its class.
    pub class: Class,
    /// The floor it covers. Chairs may reach under the table they stand at; nothing else overlaps.
    pub footprint: Footprint,
}

/// Light of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Light {
    /// Light from everywhere.
    pub ambient: f32,
    /// Positions of the lamps (room frame, metres).
    pub lamps: Vec<[f32; 3]>,
    /// Strength of each lamp.
    pub strength: f32,
    /// White balance and exposure: factor per channel.
    pub gain: [f32; 3],
}

/// A furnished room.
///
/// Frame: the floor is z = 0, z up, the plan reaches from (0, 0) to (`size[0]`, `size[1]`), metres.
/// Each wall is an object, so is the floor, the ceiling, each piece of furniture and each small thing.
#[derive(Clone, Debug)]
pub struct Scene {
    /// All surfaces.
    pub triangles: Vec<Triangle>,
    /// What each triangle belongs to; same order as `triangles`.
    pub surfaces: Vec<Surface>,
    /// Looks, by [`Surface::material`].
    pub materials: Vec<Material>,
    /// Class of each object, by [`Surface::instance`].
    pub objects: Vec<Class>,
    /// Plan and height.
    pub shape: Shape,
    /// Kind of room.
    pub kind: RoomKind,
    /// What stands on the floor.
    pub pieces: Vec<Piece>,
    /// Everything a robot cannot drive through: pieces and open door leaves.
    pub obstacles: Vec<Footprint>,
    /// Positions (10 cm grid) where a robot of 0.25 m radius can stand, by falling clearance. Never empty.
    pub free: Vec<[f32; 2]>,
    /// Light.
    pub light: Light,
    tree: CwBvh,
}

/// Where a ray met a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Distance along the ray, in units of the direction's length.
    pub distance: f32,
    /// Index of the triangle.
    pub triangle: u32,
}

impl Scene {
    /// The room of this seed. Same seed and options, same scene.
    pub fn generate(seed: u64, options: &SceneOptions) -> Self {
        Self::generate_with(seed, options, None)
    }

    /// [`generate`](Self::generate) with real furniture among the parametric: about half of it.
    pub fn generate_with(seed: u64, options: &SceneOptions, library: Option<&Arc<MeshLibrary>>) -> Self {
        let mut random = Random::new(seed, 0x5ce7e);
        let kind = options.kind.unwrap_or_else(|| RoomKind::draw(&mut random, options.held_out));
        let density = if options.density.is_finite() { options.density.clamp(0.0, 4.0) } else { 1.0 };
        let shape = rooms::draw_shape(&mut random, kind);
        let mut mesh = Mesh::default();
        mesh.library = library.cloned();
        // Half of the rooms are without people.
        let occupied = if random.chance(0.5) { random.range(0.0, 0.5) } else { 0.0 };
        let mut layout = Layout {
            held_out: options.held_out,
            occupied,
            random,
            mesh,
            walls: shell::walls(&shape),
            headroom: shape.size[2],
            shape,
            blocked: Vec::new(),
            pieces: Vec::new(),
            house_chair: None,
        };
        let lamps = rooms::build_shell(&mut layout, kind);
        let shell_blocked = layout.blocked.clone();
        if density > 0.0 {
            rooms::furnish(&mut layout, kind, density);
        }
        // Door leaves, not the space before doors: a robot may stand there.
        let leaves = shell_blocked.iter().filter(|b| b.half[1] <= 0.081).copied();
        let obstacles: Vec<Footprint> = layout.pieces.iter().map(|p| p.footprint).chain(leaves).collect();
        let free = free_positions(&layout.shape, &obstacles);
        let light = draw_light(&mut layout.random, lamps);
        let Mesh { triangles, surfaces, materials, objects, .. } = layout.mesh;
        let tree = build_cwbvh_from_tris(&triangles, BvhBuildParams::fast_build(), &mut Duration::default());
        Self {
            triangles,
            surfaces,
            materials,
            objects,
            shape,
            kind,
            pieces: layout.pieces,
            obstacles,
            free,
            light,
            tree,
        }
    }

    /// Nearest surface along a ray within `limit` times the direction's length.
    ///
    /// A ray that is not finite, or has no direction, meets nothing.
    pub fn cast(&self, origin: Vec3A, direction: Vec3A, limit: f32) -> Option<Hit> {
        if !(origin.is_finite() && direction.is_finite() && direction != Vec3A::ZERO) {
            return None;
        }
        let mut hit = RayHit::none();
        let ray = ray_along(origin, direction, limit);
        let found = self.tree.ray_traverse(ray, &mut hit, |ray, id| {
            self.triangles[self.tree.primitive_indices[id] as usize].intersect(ray)
        });
        found.then(|| Hit { distance: hit.t, triangle: self.tree.primitive_indices[hit.primitive_id as usize] })
    }

    /// Whether anything is between a point and the end of `towards`.
    fn is_blocked(&self, point: Vec3A, towards: Vec3A) -> bool {
        let ray = ray_along(point, towards, 1.0);
        !self
            .tree
            .ray_traverse_miss(ray, |ray, id| self.triangles[self.tree.primitive_indices[id] as usize].intersect(ray))
    }

    /// The same as [`cast`](Self::cast) by trying every triangle: the oracle.
    pub fn cast_plain(&self, origin: Vec3A, direction: Vec3A, limit: f32) -> Option<Hit> {
        let ray = ray_along(origin, direction, limit);
        let mut best: Option<Hit> = None;
        for (triangle, shape) in self.triangles.iter().enumerate() {
            let distance = shape.intersect(&ray);
            if distance < best.map_or(limit, |hit| hit.distance) {
                best = Some(Hit { distance, triangle: triangle as u32 });
            }
        }
        best
    }

    /// Linear colour of a surface point under the scene's light (only the brightest lamp casts shadows).
    pub fn radiance(&self, triangle: u32, point: Vec3A) -> [f32; 3] {
        let surface = self.surfaces[triangle as usize];
        let normal = self.triangles[triangle as usize].compute_normal();
        let mut light = self.light.ambient * (0.75 + 0.25 * normal.z);
        let mut brightest = (0.0, Vec3A::ZERO);
        for lamp in &self.light.lamps {
            let towards = Vec3A::from(*lamp) - point;
            let square = towards.length_squared();
            let cosine = normal.dot(towards) / square.sqrt().max(1e-3);
            let share = self.light.strength * cosine.max(0.0) / (1.0 + square);
            if share > brightest.0 {
                brightest = (share, towards);
            }
            light += share;
        }
        // One shadow is worth its ray; the other lamps fill it in.
        if brightest.0 > 0.0 && self.is_blocked(point + normal * 2e-3, brightest.1) {
            light -= brightest.0;
        }
        let albedo = self.materials[surface.material as usize].colour_at(point);
        std::array::from_fn(|channel| albedo[channel] * light * self.light.gain[channel])
    }

    /// Distance from a floor position to the nearest wall or obstacle; negative outside the room.
    pub fn clearance(&self, position: [f32; 2]) -> f32 {
        clearance(&self.shape, &self.obstacles, position)
    }
}

/// A ray none of whose direction components is zero: the tree's traversal loses rays along an axis.
fn ray_along(origin: Vec3A, direction: Vec3A, limit: f32) -> Ray {
    let least = direction.abs().max_element() * 1e-6;
    let direction = Vec3A::select(direction.abs().cmplt(Vec3A::splat(least)), Vec3A::splat(least), direction);
    Ray::new(origin, direction, 1e-4, limit)
}

fn clearance(shape: &Shape, obstacles: &[Footprint], position: [f32; 2]) -> f32 {
    if !shape.contains(position) {
        return -1.0;
    }
    obstacles.iter().fold(shape.distance_to_walls(position), |least, o| least.min(o.distance(position)))
}

fn free_positions(shape: &Shape, obstacles: &[Footprint]) -> Vec<[f32; 2]> {
    let mut found: Vec<(f32, [f32; 2])> = Vec::new();
    let mut best = (f32::MIN, [shape.size[0] / 2.0, shape.size[1] / 2.0]);
    for i in 1..(shape.size[0] / 0.1) as usize {
        for j in 1..(shape.size[1] / 0.1) as usize {
            let position = [0.1 * i as f32, 0.1 * j as f32];
            let space = clearance(shape, obstacles, position);
            if space > best.0 {
                best = (space, position);
            }
            if space >= 0.25 {
                found.push((space, position));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    if found.is_empty() {
        found.push(best);
    }
    found.into_iter().map(|(_, position)| position).collect()
}

fn draw_light(random: &mut Random, lamps: Vec<[f32; 3]>) -> Light {
    let exposure = random.range(0.5, 1.25);
    let warm = random.range(-0.18, 0.18);
    let tint = random.range(-0.06, 0.06);
    Light {
        ambient: random.range(0.3, 0.7),
        strength: random.range(0.4, 1.4) / (lamps.len() as f32).sqrt().max(1.0) * 1.6,
        lamps,
        gain: [exposure * (1.0 + warm), exposure * (1.0 + tint), exposure * (1.0 - warm)],
    }
}
