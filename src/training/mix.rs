//! Cuboids of one room set into another: furniture where it never stands.
//!
//! A network that has seen few kinds of rooms learns where things stand instead of what they look
//! like. Mixing breaks that habit: columns of space are cut out of one room and replaced by columns
//! of another, preferably such that hold a class of which the stream has shown little (tail-aware
//! cuboid mixing; Ding et al., "DODA: Data-oriented Sim-to-Real Domain Adaptation for 3D Semantic
//! Segmentation", ECCV 2022).
//!
//! Cuboids reach from floor to ceiling, as windows do, are turned by quarters, so that walls stay
//! parallel or at right angles, and stand on the floor of the room that they are set into.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::ClassBalance;
use crate::block::{ROBUST_FRACTION, RobustExtent};
use crate::cloud::LabelledCloud;
use crate::metrics::{IGNORED_CLASS, UNLABELLED_INSTANCE};

/// How strongly rooms are mixed. The default is what the shipped models were trained with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// Share of room copies that are mixed, 0 to 1.
    pub share: f64,
    /// Most cuboids that are set into one room; at least one is.
    pub cuboids: usize,
    /// Shortest and longest side of a cuboid (m).
    pub side: [f32; 2],
}

impl Default for Mixing {
    fn default() -> Self {
        Self { share: 0.5, cuboids: 4, side: [0.8, 2.5] }
    }
}

impl Mixing {
    /// No mixing.
    pub const NONE: Self = Self { share: 0.0, cuboids: 1, side: [1.0, 1.0] };
}

/// A cuboid of another room on its way into this one.
struct Cuboid {
    /// What it is cut around (m, the other room's frame).
    from: [f32; 2],
    /// Where that comes to lie (m, this room's frame).
    to: [f32; 2],
    /// Half the sides (m), along this room's axes.
    half: [f32; 2],
    /// Rows of the turn from the other room's axes to this one's.
    turn: [[f32; 2]; 2],
    /// What is added to heights (m).
    rise: f32,
}

impl Cuboid {
    fn covers(&self, [x, y]: [f32; 2]) -> bool {
        x.abs() <= self.half[0] && y.abs() <= self.half[1]
    }

    /// Whether a point of this room must give way.
    fn replaces(&self, point: &[f32; 3]) -> bool {
        self.covers([point[0] - self.to[0], point[1] - self.to[1]])
    }

    /// Where a point of the other room comes to lie; `None` if it is not inside.
    fn carry(&self, point: &[f32; 3]) -> Option<[f32; 3]> {
        let offset = [point[0] - self.from[0], point[1] - self.from[1]];
        let [x, y] = self.turn.map(|row| row[0] * offset[0] + row[1] * offset[1]);
        self.covers([x, y]).then(|| [self.to[0] + x, self.to[1] + y, point[2] + self.rise])
    }
}

/// Sets one to [`Mixing::cuboids`] cuboids of `other` into `room`.
///
/// Both are upright, in metres. Instances that come in get numbers that `room` does not have, anew
/// with every cuboid, so that a chair that is set in twice is two chairs; `−1` stays `−1`. An
/// instance of `room` that a cuboid cuts through stays one, as it does when something stands before
/// it. The result has colour if both have. Broken points are dropped where they come from `other`.
pub fn mix(
    room: &LabelledCloud,
    other: &LabelledCloud,
    mixing: &Mixing,
    balance: &ClassBalance,
    random: &mut ChaCha8Rng,
) -> LabelledCloud {
    let mut mixed = room.clone();
    if other.cloud.colour.is_none() {
        mixed.cloud.colour = None;
    }
    let mut extent = RobustExtent::default();
    let floor = |extent: Option<crate::block::Extent>| extent.map(|extent| extent.minimum[2]);
    let (Some(floor_here), Some(floor_there)) = (
        floor(extent.estimate(&room.cloud.position, ROBUST_FRACTION)),
        floor(extent.estimate(&other.cloud.position, ROBUST_FRACTION)),
    ) else {
        return mixed;
    };
    for _ in 0..random.random_range(1..=mixing.cuboids.max(1)) {
        let [from, to] = [centre(other, balance, random), any_place(room, random)];
        let [shortest, longest] = mixing.side;
        let half = std::array::from_fn(|_| 0.5 * random.random_range(shortest..=longest.max(shortest)));
        let turn = quarter_turn(random);
        set_in(&mut mixed, other, &Cuboid { from, to, half, turn, rise: floor_here - floor_there });
    }
    mixed
}

/// Replaces what the cuboid covers.
fn set_in(mixed: &mut LabelledCloud, other: &LabelledCloud, cuboid: &Cuboid) {
    let first_free = mixed.instance.iter().max().map_or(0, |&last| last.saturating_add(1).max(0));
    let stays: Vec<bool> = mixed.cloud.position.iter().map(|point| !cuboid.replaces(point)).collect();
    retain(&mut mixed.cloud.position, &stays);
    retain(&mut mixed.class, &stays);
    retain(&mut mixed.instance, &stays);
    if let Some(colour) = &mut mixed.cloud.colour {
        retain(colour, &stays);
    }
    for (point, position) in other.cloud.position.iter().enumerate() {
        let Some(position) = cuboid.carry(position) else { continue };
        mixed.cloud.position.push(position);
        mixed.class.push(other.class[point]);
        mixed.instance.push(match other.instance[point] {
            UNLABELLED_INSTANCE => UNLABELLED_INSTANCE,
            instance => first_free.saturating_add(instance),
        });
        if let (Some(colours), Some(there)) = (&mut mixed.cloud.colour, &other.cloud.colour) {
            colours.push(there[point]);
        }
    }
}

fn retain<T>(values: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    values.retain(|_| stays.next() == Some(&true));
}

/// x and y of a point of a class that is wanted.
fn centre(room: &LabelledCloud, balance: &ClassBalance, random: &mut ChaCha8Rng) -> [f32; 2] {
    let mut points = [0u32; 256];
    for &class in &room.class {
        points[usize::from(class)] += 1;
    }
    points[usize::from(IGNORED_CLASS)] = 0;
    let there = points.iter().enumerate().filter(|&(_, &points)| points > 0).map(|(class, _)| class as u8);
    let Some(class) = balance.draw(there, random) else { return any_place(room, random) };
    let chosen = random.random_range(0..points[usize::from(class)]) as usize;
    let point = room.class.iter().enumerate().filter(|&(_, &its)| its == class).nth(chosen);
    point.map_or_else(|| any_place(room, random), |(point, _)| xy(room.cloud.position[point]))
}

/// x and y of any point; the room has some.
fn any_place(room: &LabelledCloud, random: &mut ChaCha8Rng) -> [f32; 2] {
    xy(room.cloud.position[random.random_range(0..room.cloud.len())])
}

fn xy([x, y, _]: [f32; 3]) -> [f32; 2] {
    [x, y]
}

fn quarter_turn(random: &mut ChaCha8Rng) -> [[f32; 2]; 2] {
    match random.random_range(0..4) {
        0 => [[1.0, 0.0], [0.0, 1.0]],
        1 => [[0.0, -1.0], [1.0, 0.0]],
        2 => [[-1.0, 0.0], [0.0, -1.0]],
        _ => [[0.0, 1.0], [-1.0, 0.0]],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;
    use crate::cloud::Cloud;

    /// A floor of 8 m × 8 m at a height, in squares of 1 m that are one instance each.
    fn tiles(class: u8, height: f32, first_instance: i32, colour: Option<[u8; 3]>) -> LabelledCloud {
        let position: Vec<[f32; 3]> =
            (0..160 * 160).map(|i| [(i % 160) as f32 * 0.05, (i / 160) as f32 * 0.05, height]).collect();
        let points = position.len();
        let instance = position.iter().map(|p| first_instance + p[0] as i32 + 8 * p[1] as i32).collect();
        let colour = colour.map(|colour| vec![colour; points]);
        LabelledCloud { cloud: Cloud { position, colour }, class: vec![class; points], instance }
    }

    #[test]
    fn what_comes_in_stands_on_the_floor_and_takes_the_place_of_what_was_there() {
        let room = tiles(1, 0.2, 0, Some([1, 1, 1]));
        let other = tiles(7, -3.0, 0, Some([9, 9, 9]));
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mixed = mix(&room, &other, &Mixing::default(), &ClassBalance::default(), &mut random);
            let colour = mixed.cloud.colour.as_ref().expect("both have colour");
            let points = mixed.cloud.len();
            assert!(mixed.class.len() == points && mixed.instance.len() == points && colour.len() == points);
            let mut cells = BTreeSet::new();
            let (mut here, mut there) = (BTreeSet::new(), BTreeSet::new());
            for (point, &[x, y, z]) in mixed.cloud.position.iter().enumerate() {
                assert!((z - 0.2).abs() < 1e-6, "{z}");
                assert_eq!(mixed.class[point], if colour[point] == [9, 9, 9] { 7 } else { 1 });
                if mixed.class[point] == 7 { &mut there } else { &mut here }.insert(mixed.instance[point]);
                cells.insert([(x / 0.4).floor() as i32, (y / 0.4).floor() as i32]);
                if mixed.class[point] == 1 {
                    assert_eq!(mixed.instance[point], x as i32 + 8 * y as i32, "untouched points keep their instance");
                }
            }
            assert!(!there.is_empty(), "something came in");
            assert!(here.is_disjoint(&there));
            // One layer: what comes in does not lie on what was there. Cuboids from the border of the
            // other room leave a hole, or stick out.
            assert!(points < room.cloud.len() + 4000, "{points}");
        }
    }

    #[test]
    fn a_thing_that_is_set_in_twice_is_two_things() {
        let room = tiles(1, 0.0, 0, None);
        // A single table.
        let mut other = tiles(7, 0.0, 0, None);
        other.instance.fill(5);
        let mixing = Mixing { share: 1.0, cuboids: 4, side: [0.8, 0.8] };
        let mut most = 0;
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mixed = mix(&room, &other, &mixing, &ClassBalance::default(), &mut random);
            let tables: BTreeSet<i32> =
                mixed.class.iter().zip(&mixed.instance).filter(|&(&class, _)| class == 7).map(|(_, &i)| i).collect();
            most = most.max(tables.len());
            assert!(tables.iter().all(|&instance| instance > 63));
        }
        assert_eq!(most, 4);
    }

    #[test]
    fn the_rare_class_is_sought_and_the_ignored_one_is_not() {
        let room = tiles(1, 0.0, 0, None);
        let mut other = tiles(2, 0.0, 0, None);
        // One tile of a class that was never shown; the last row is not labelled.
        for point in 0..other.class.len() {
            let [x, y, _] = other.cloud.position[point];
            if x < 1.0 && y < 1.0 {
                other.class[point] = 4;
            } else if y >= 7.0 {
                (other.class[point], other.instance[point]) = (IGNORED_CLASS, UNLABELLED_INSTANCE);
            }
        }
        let mut balance = ClassBalance::default();
        balance.count(&vec![2; 800_000]);
        let mixing = Mixing { share: 1.0, cuboids: 1, side: [0.8, 0.8] };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let met = (0..200)
            .filter(|_| {
                let mixed = mix(&room, &other, &mixing, &balance, &mut random);
                for (class, instance) in mixed.class.iter().zip(&mixed.instance) {
                    assert_eq!(*class == IGNORED_CLASS, *instance == UNLABELLED_INSTANCE);
                }
                mixed.class.contains(&4)
            })
            .count();
        // Wanted four times as much as class 2; by area it would be one in 56.
        assert!((130..190).contains(&met), "{met} of 200 cuboids hold the rare class");
    }

    #[test]
    fn a_room_without_points_is_left_alone() {
        let (room, empty) = (tiles(1, 0.0, 0, None), LabelledCloud::default());
        let mut random = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(mix(&room, &empty, &Mixing::default(), &ClassBalance::default(), &mut random), room);
        assert_eq!(mix(&empty, &room, &Mixing::default(), &ClassBalance::default(), &mut random), empty);
    }
}
