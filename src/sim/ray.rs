//! One ray as a sensor sees it: through glass, with colour and truth.

use glam::{Mat3A, Vec3A};
use nalgebra::Isometry3;

use super::{class::NO_CLASS, random::Random, scene::Scene};

/// A sensor's place in the room, in the ray caster's numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye {
    pub origin: Vec3A,
    pub turn: Mat3A,
}

impl Eye {
    pub fn new(pose: &Isometry3<f64>) -> Self {
        let t = pose.translation.vector;
        let columns = pose.rotation.to_rotation_matrix().into_inner();
        let column = |k: usize| Vec3A::new(columns[(0, k)] as f32, columns[(1, k)] as f32, columns[(2, k)] as f32);
        Self {
            origin: Vec3A::new(t.x as f32, t.y as f32, t.z as f32),
            turn: Mat3A::from_cols(column(0), column(1), column(2)),
        }
    }
}

/// What came back along one ray.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return {
    /// In units of the direction's length; infinite when nothing came back.
    pub distance: f32,
    pub class: u8,
    pub instance: i32,
    /// Linear colour that a camera sees along the ray.
    pub colour: [f32; 3],
    /// Cosine between ray and surface normal.
    pub cosine: f32,
    /// Infrared reflectivity.
    pub reflectivity: f32,
}

/// Light from outside, through a window or a door.
const SKY: [f32; 3] = [1.1, 1.2, 1.35];

/// Follows a ray; glass lets it through with the probability of its material. Colour costs a little and is optional.
pub(crate) fn follow(
    scene: &Scene,
    eye: &Eye,
    direction: Vec3A,
    limit: f32,
    colour: bool,
    random: &mut Random,
) -> Return {
    let world = eye.turn * direction;
    let mut travelled = 0.0;
    let mut through = 1.0f32;
    let mut seen = [0.0f32; 3];
    // What the range ray met; the camera may look on through glass that stopped it.
    let mut back: Option<Return> = None;
    // More panes than this in a row do not occur; the last one is then opaque.
    for pane in 0..6 {
        let origin = eye.origin + world * travelled;
        let Some(hit) = scene.cast(origin, world, limit - travelled) else { break };
        let surface = scene.surfaces[hit.triangle as usize];
        let material = &scene.materials[surface.material as usize];
        let point = origin + world * hit.distance;
        let shade = if colour { scene.radiance(hit.triangle, point) } else { [0.0; 3] };
        let here = || Return {
            distance: travelled + hit.distance,
            class: surface.class as u8,
            instance: surface.instance as i32,
            colour: [0.0; 3],
            cosine: scene.triangles[hit.triangle as usize].compute_normal().dot(world).abs() / world.length(),
            reflectivity: material.reflectivity,
        };
        if material.transparency > 0.0 && pane < 5 {
            if back.is_none() && !random.chance(material.transparency) {
                back = Some(here());
                if !colour {
                    break;
                }
            }
            let share = through * 0.12;
            seen = std::array::from_fn(|k| seen[k] + share * shade[k]);
            through *= 0.88;
            // Behind the pane, however thin.
            travelled += hit.distance + 2e-4;
            continue;
        }
        let colour = std::array::from_fn(|k| seen[k] + through * shade[k]);
        return Return { colour, ..back.unwrap_or_else(here) };
    }
    let nothing = Return {
        distance: f32::INFINITY,
        class: NO_CLASS,
        instance: -1,
        colour: std::array::from_fn(|k| seen[k] + through * SKY[k] * scene.light.gain[k]),
        cosine: 0.0,
        reflectivity: 0.0,
    };
    match back {
        Some(back) => Return { colour: nothing.colour, ..back },
        None => nothing,
    }
}

/// Linear light to a byte (gamma 2: exact on every machine), with a little noise of the image sensor.
pub(crate) fn to_byte(colour: [f32; 3], random: &mut Random) -> [u8; 3] {
    let noise = random.normal() * 2.0;
    colour.map(|channel| (channel.clamp(0.0, 1.0).sqrt() * 255.0 + noise).round().clamp(0.0, 255.0) as u8)
}

/// Probability that a range sensor loses a return: grazing incidence and dark surfaces.
pub(crate) fn loss(cosine: f32, reflectivity: f32, grazing: f32, dark: f32) -> f32 {
    let slant = ((0.16 - cosine) / 0.13).clamp(0.0, 1.0);
    let black = ((0.12 - reflectivity) / 0.09).clamp(0.0, 1.0);
    1.0 - (1.0 - slant * grazing) * (1.0 - black * dark)
}
