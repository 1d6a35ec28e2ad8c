//! Which way is up, for a single frame that nobody has placed in the world?
//!
//! The floor is the largest plane that has (almost) nothing below it and faces roughly up. Roughly,
//! because the caller knows the sensor's convention: an optical frame has y down, a LiDAR z up.
//! RANSAC with a fixed seed finds it, least squares refine it.
//!
//! What this cannot know: a desk that fills the view with no floor in sight looks like a floor.

use super::check::CheckLimits;
use super::{Cloud, check};
use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the sensor's convention says of its axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirectionPrior {
    /// Roughly up, in the sensor's frame. Need not be of unit length.
    pub up: [f64; 3],
    /// Roughly forward, in the sensor's frame.
    pub forward: [f64; 3],
    /// Cosine of the largest angle that the true "up" may have to `up`.
    pub least_cosine: f64,
}

impl DirectionPrior {
    /// Optical frames (REP-103): x right, y down, z forward. Cameras nod: up to 50°.
    pub const OPTICAL: Self = Self { up: [0.0, -1.0, 0.0], forward: [0.0, 0.0, 1.0], least_cosine: 0.643 };

    /// Bodies and LiDARs (REP-103): x forward, y left, z up; up to 30°.
    pub const BODY: Self = Self { up: [0.0, 0.0, 1.0], forward: [1.0, 0.0, 0.0], least_cosine: 0.866 };
}

/// A frame set upright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upright {
    /// Takes points of the sensor's frame into one whose z is up, whose x is the sensor's forward
    /// laid level, and whose floor is at z = 0; the sensor is above the origin.
    pub pose: Isometry3<f64>,
    /// Share of the valid points that lie on the floor, 0..=1.
    pub floor_share: f64,
}

/// Points looked at, evenly spread over the cloud.
const SAMPLE: usize = 4096;
/// Fewest valid points worth a try.
const FEWEST: usize = 100;
/// Planes through three points tried.
const TRIALS: usize = 6000;
/// Edge of the cells within which points for a plane are picked every other time, metres. Points
/// near each other are far more often on one surface than any three.
const CELL: f64 = 0.6;
/// Least share of the sample that a floor has.
const LEAST_SHARE: f64 = 0.02;
/// Greatest share of the sample that may lie below a floor (reflections, noise).
const MOST_BELOW: f64 = 0.05;

/// A plane `up · p = height`, `up` of unit length.
#[derive(Clone, Copy, Debug)]
struct Plane {
    up: Vector3<f64>,
    height: f64,
}

/// Finds the floor of one frame given in its sensor's frame. `None` if there is none: too few
/// points, or no plane within the prior's cone with next to nothing below. Deterministic; at most
/// `TRIALS` × `SAMPLE` distances.
pub fn estimate_up(cloud: &Cloud, prior: &DirectionPrior) -> Option<Upright> {
    let prior_up = direction(prior.up)?;
    let sample = sample(cloud);
    if sample.len() < FEWEST {
        return None;
    }
    let tolerance: Vec<f64> = sample.iter().map(tolerance).collect();
    let mut best: Option<(f64, Plane)> = None;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let cells = cell_runs(&sample);
    for trial in 0..TRIALS {
        let first = below(&mut random, sample.len());
        let run = if trial % 2 == 0 { cells[first] } else { (0, sample.len()) };
        let other = |random: &mut ChaCha8Rng| sample[run.0 + below(random, run.1 - run.0)];
        let (second, third) = (other(&mut random), other(&mut random));
        let Some(plane) = plane_through([sample[first], second, third], &prior_up, prior.least_cosine) else {
            continue;
        };
        let score = score(&plane, &sample, &tolerance);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, plane));
        }
    }
    let mut plane = best?.1;
    for _ in 0..3 {
        plane = refine(&plane, &sample, &tolerance)?;
    }
    let (on, under) = count(&plane, &sample, &tolerance);
    let total = sample.len() as f64;
    let share = on as f64 / total;
    let is_floor = share >= LEAST_SHARE && under as f64 <= MOST_BELOW * total;
    let within = plane.up.dot(&prior_up) >= prior.least_cosine;
    (is_floor && within).then(|| Upright { pose: level(&plane, prior.forward), floor_share: share })
}

fn direction(of: [f64; 3]) -> Option<Vector3<f64>> {
    let vector = Vector3::from(of);
    let length = vector.dot(&vector).sqrt();
    (length.is_finite() && length > 1e-9).then(|| vector / length)
}

/// Valid points, evenly thinned, sorted by cell so that neighbours in space are neighbours here.
fn sample(cloud: &Cloud) -> Vec<Vector3<f64>> {
    let mut valid = Vec::new();
    let count = check(cloud, &CheckLimits::default(), &mut valid).valid;
    let chosen = cloud.position.iter().zip(&valid).filter(|(_, valid)| **valid).enumerate();
    let wanted = count.min(SAMPLE);
    // Point i is taken where ⌊i·wanted/count⌋ moves on: exactly `wanted` of them.
    let taken = chosen.filter(|(index, _)| (index + 1) * wanted / count > index * wanted / count);
    let mut sample: Vec<Vector3<f64>> =
        taken.map(|(_, (position, _))| Vector3::from(position.map(f64::from))).collect();
    sample.sort_by_key(cell);
    sample
}

fn cell(point: &Vector3<f64>) -> [i32; 3] {
    // Valid coordinates are at most 10 km.
    [point.x, point.y, point.z].map(|value| (value / CELL).floor() as i32)
}

/// For each point of a sample sorted by cell, the range of points in its cell.
fn cell_runs(sample: &[Vector3<f64>]) -> Vec<(usize, usize)> {
    let mut runs = Vec::with_capacity(sample.len());
    for run in sample.chunk_by(|a, b| cell(a) == cell(b)) {
        let start = runs.len();
        runs.resize(start + run.len(), (start, start + run.len()));
    }
    runs
}

/// A number below `bound`, by multiplication: no loop, and the same on every platform.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u64::from(random.next_u32()) * bound as u64) >> 32) as usize
}

/// How far from the floor a floor point may be measured: depth noise grows with the square of the
/// distance, LiDAR noise does not; 2 cm near, 10 cm at most.
fn tolerance(point: &Vector3<f64>) -> f64 {
    (0.02 + 0.003 * point.dot(point)).min(0.1)
}

fn plane_through([a, b, c]: [Vector3<f64>; 3], prior_up: &Vector3<f64>, least_cosine: f64) -> Option<Plane> {
    let normal = (b - a).cross(&(c - a));
    let length = normal.dot(&normal).sqrt();
    // Three points within a few centimetres say nothing of a slope.
    if length < 1e-3 {
        return None;
    }
    let up = if normal.dot(prior_up) < 0.0 { -normal / length } else { normal / length };
    (up.dot(prior_up) >= least_cosine).then(|| Plane { up, height: up.dot(&a) })
}

/// Points on the plane and points below it.
fn count(plane: &Plane, sample: &[Vector3<f64>], tolerance: &[f64]) -> (usize, usize) {
    let (mut on, mut under) = (0, 0);
    for (point, tolerance) in sample.iter().zip(tolerance) {
        let above = plane.up.dot(point) - plane.height;
        on += usize::from(above.abs() <= *tolerance);
        under += usize::from(above < -2.0 * tolerance);
    }
    (on, under)
}

/// Points on the plane count for it, points below it against it twice: a table loses to the floor
/// that is seen beside it.
fn score(plane: &Plane, sample: &[Vector3<f64>], tolerance: &[f64]) -> f64 {
    let (on, under) = count(plane, sample, tolerance);
    on as f64 - 2.0 * under as f64
}

/// Least squares over the points on the plane: their height above it as a linear function of the
/// place along it. `None` if they do not span a plane.
fn refine(plane: &Plane, sample: &[Vector3<f64>], tolerance: &[f64]) -> Option<Plane> {
    let axis = if plane.up.x.abs() < 0.6 { Vector3::x() } else { Vector3::y() };
    let u = direction(plane.up.cross(&axis).into())?;
    let v = plane.up.cross(&u);
    let on = || {
        let points = sample.iter().zip(tolerance);
        points.filter(|(point, tolerance)| (plane.up.dot(point) - plane.height).abs() <= **tolerance)
    };
    let number = on().count();
    let centre = on().fold(Vector3::zeros(), |sum, (point, _)| sum + point) / number.max(1) as f64;
    let (mut uu, mut uv, mut vv, mut uh, mut vh) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (point, _) in on() {
        let from_centre = point - centre;
        let (a, b, h) = (u.dot(&from_centre), v.dot(&from_centre), plane.up.dot(&from_centre));
        uu += a * a;
        uv += a * b;
        vv += b * b;
        uh += a * h;
        vh += b * h;
    }
    let determinant = uu * vv - uv * uv;
    if determinant.is_nan() || determinant <= 1e-9 * uu * vv {
        return None;
    }
    let (slope_u, slope_v) = ((uh * vv - vh * uv) / determinant, (vh * uu - uh * uv) / determinant);
    let up = direction((plane.up - u * slope_u - v * slope_v).into())?;
    Some(Plane { up, height: up.dot(&centre) })
}

/// The pose that lays a plane level at z = 0, with the sensor's forward along x.
fn level(plane: &Plane, forward: [f64; 3]) -> Isometry3<f64> {
    let up = plane.up;
    let flat = |vector: Vector3<f64>| {
        let flat = vector - up * up.dot(&vector);
        direction(flat.into()).filter(|_| flat.dot(&flat) > 1e-6)
    };
    // A sensor that looks straight down has no forward; any level direction does.
    let x = flat(Vector3::from(forward)).or_else(|| flat(Vector3::x())).or_else(|| flat(Vector3::y()));
    let x = x.unwrap_or_else(Vector3::x);
    let y = up.cross(&x);
    let matrix = Matrix3::from_rows(&[x.transpose(), y.transpose(), up.transpose()]);
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(matrix));
    Isometry3::from_parts(Translation3::new(0.0, 0.0, -plane.height), rotation)
}
