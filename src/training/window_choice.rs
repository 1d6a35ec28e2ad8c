//! Which window of a room becomes the next block.
//!
//! Drawn evenly, most windows teach floor, wall and ceiling, and many are slivers behind a wall or
//! at the border of what was seen. So most blocks are drawn *for* a class: a class of the room, the
//! more likely the less of it the stream has shown so far; one of its instances; one of its points;
//! and a window around that point. The others come from any window. Either way a window counts the
//! less the emptier it is: slivers are met in the field as well, and are therefore rare, not absent.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::block::{WindowIndex, WindowKey, Windowing, live};
use crate::cloud::LabelledCloud;
use crate::metrics::IGNORED_CLASS;

/// Share of the blocks that are drawn without a look at the labels.
const UNIFORM_SHARE: f64 = 0.25;

/// A window with this many points counts in full, also in the densest room. A whole square metre of
/// floor alone has 1600 in a map of 2.5 cm voxels.
const FULL_WINDOW: usize = 1024;

/// How often a window is sought for a class before any window will do.
const ATTEMPTS: usize = 8;

/// Windows with fewer points than this teach nothing.
const MINIMUM_POINTS: usize = 100;

/// Instances of fewer points are not sought: at 2.5 cm they are scraps of what another scan line hit.
const SMALLEST_SOUGHT: usize = 20;

/// Points of every class that count as shown before the stream begins, so that it does not begin
/// with one class only.
const SHOWN_BEFORE: f64 = 50_000.0;

/// How much of each class the stream has shown so far.
#[derive(Clone, Debug)]
pub struct ClassBalance {
    shown: [f64; 256],
}

impl Default for ClassBalance {
    fn default() -> Self {
        Self { shown: [SHOWN_BEFORE; 256] }
    }
}

impl ClassBalance {
    /// Counts the points of a block that was drawn.
    pub fn count(&mut self, class: &[u8]) {
        for &class in class {
            self.shown[usize::from(class)] += 1.0;
        }
    }

    /// Draws one of `classes`, the more likely the less of it was shown; `None` if there is none.
    pub fn draw(&self, classes: impl IntoIterator<Item = u8>, random: &mut ChaCha8Rng) -> Option<u8> {
        let classes: Vec<u8> = classes.into_iter().collect();
        let wanted = running_sum(classes.iter().map(|&class| self.wanted(class)));
        (!classes.is_empty()).then(|| classes[draw_weighted(wanted.iter().copied(), random)])
    }

    /// How much a class is wanted: the inverse root of what was shown. The inverse itself would
    /// show the rarest class until its few instances are known by heart.
    fn wanted(&self, class: u8) -> f64 {
        self.shown[usize::from(class)].sqrt().recip()
    }
}

/// What a room offers to choose from.
#[derive(Clone, Debug)]
pub struct WindowChoice {
    windows: WindowIndex,
    windowing: Windowing,
    /// Points of a window that counts in full.
    full: usize,
    /// Windows with enough points, and the running sum of their weights.
    keys: Vec<(WindowKey, f64)>,
    /// The room's points, sorted by class and instance.
    points: Vec<u32>,
    /// The instances that are sought, as ranges of `points`, sorted by class.
    instances: Vec<Range<usize>>,
    /// Each class with its range of `instances`.
    classes: Vec<(u8, Range<usize>)>,
}

impl WindowChoice {
    /// Sorts a room's points by window, class and instance; `None` if no window holds enough points.
    ///
    /// `windows` is the room's index, built with `windowing`.
    pub fn new(room: &LabelledCloud, windows: WindowIndex, windowing: Windowing) -> Option<Self> {
        let enough = || windows.iter().filter(|(_, members)| members.len() >= MINIMUM_POINTS);
        let mut sizes: Vec<usize> = enough().map(|(_, members)| members.len()).collect();
        if sizes.is_empty() {
            return None;
        }
        // A sparse scan has no full window: there the fuller quarter counts as full.
        let upper_quarter = sizes.len() * 3 / 4;
        let full = (*sizes.select_nth_unstable(upper_quarter).1).min(FULL_WINDOW);
        let sums = running_sum(enough().map(|(_, members)| weight(members.len(), full)));
        let keys = enough().map(|(key, _)| key).zip(sums).collect();
        let mut points: Vec<u32> = (0..room.class.len() as u32).collect();
        let label = |point: u32| (room.class[point as usize], room.instance[point as usize]);
        points.sort_unstable_by_key(|&point| (label(point), point));
        let mut instances = Vec::new();
        let mut classes: Vec<(u8, Range<usize>)> = Vec::new();
        let mut begin = 0;
        for group in points.chunk_by(|&a, &b| label(a) == label(b)) {
            let range = begin..begin + group.len();
            begin = range.end;
            let (class, _) = label(group[0]);
            if class == IGNORED_CLASS || group.len() < SMALLEST_SOUGHT {
                continue;
            }
            instances.push(range);
            match classes.last_mut() {
                Some((last, its)) if *last == class => its.end = instances.len(),
                _ => classes.push((class, instances.len() - 1..instances.len())),
            }
        }
        Some(Self { windows, windowing, full, keys, points, instances, classes })
    }

    /// Points of a window, ascending.
    pub fn candidates(&self, key: WindowKey) -> &[u32] {
        self.windows.candidates(key)
    }

    /// Draws a window. `position` is that of the room's points.
    pub fn draw(&self, position: &[[f32; 3]], balance: &ClassBalance, random: &mut ChaCha8Rng) -> WindowKey {
        if !random.random_bool(UNIFORM_SHARE)
            && let Some(key) = self.draw_for_class(position, balance, random)
        {
            return key;
        }
        self.keys[draw_weighted(self.keys.iter().map(|&(_, sum)| sum), random)].0
    }

    /// `None` where nothing is labelled, or where only slivers were found.
    fn draw_for_class(
        &self,
        position: &[[f32; 3]],
        balance: &ClassBalance,
        random: &mut ChaCha8Rng,
    ) -> Option<WindowKey> {
        (0..ATTEMPTS).find_map(|_| {
            let class = balance.draw(self.classes.iter().map(|&(class, _)| class), random)?;
            let (_, instances) = self.classes.iter().find(|&&(its, _)| its == class)?;
            let instance = self.instances[random.random_range(instances.clone())].clone();
            let point = self.points[random.random_range(instance)] as usize;
            let around: Vec<WindowKey> = live::windows_of(&position[point], &self.windowing).collect();
            let key = around[random.random_range(0..around.len())];
            let points = self.candidates(key).len();
            (points >= MINIMUM_POINTS && random.random_bool(weight(points, self.full))).then_some(key)
        })
    }
}

/// How much a window of so many points counts, 0 to 1: a quarter for half a full one.
fn weight(points: usize, full: usize) -> f64 {
    (points as f64 / full as f64).min(1.0).powi(2)
}

fn running_sum(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

/// An index, drawn by the running sums of the weights; there is at least one.
fn draw_weighted(
    sums: impl ExactSizeIterator<Item = f64> + DoubleEndedIterator + Clone,
    random: &mut ChaCha8Rng,
) -> usize {
    let last = sums.len() - 1;
    let drawn = sums.clone().next_back().unwrap_or_default() * random.random_range(0.0..1.0);
    sums.take(last).position(|sum| drawn < sum).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::cloud::Cloud;

    /// A floor of 6 m × 6 m (class 1), one post of class 4 on it, and a sliver of wall 3 m away.
    fn room() -> LabelledCloud {
        let mut room = LabelledCloud::default();
        let mut add = |position: [f32; 3], class: u8, instance: i32| {
            room.cloud.position.push(position);
            room.class.push(class);
            room.instance.push(instance);
        };
        for i in 0..240 * 240 {
            add([(i % 240) as f32 * 0.025 + 0.01, (i / 240) as f32 * 0.025 + 0.01, 0.0], 1, 0);
        }
        for i in 0..60 {
            add([4.1, 2.1, i as f32 * 0.03], 4, 7);
        }
        for i in 0..150 {
            add([9.2, 0.2, i as f32 * 0.015], 2, 3);
        }
        room.cloud = Cloud { position: std::mem::take(&mut room.cloud.position), colour: None };
        room
    }

    fn choice(room: &LabelledCloud) -> Option<WindowChoice> {
        let windowing = Windowing::default();
        let mut windows = WindowIndex::new(windowing).expect("the usual windows");
        windows.build(&room.cloud.position);
        WindowChoice::new(room, windows, windowing)
    }

    #[test]
    fn rare_classes_are_met_often_and_slivers_seldom() {
        let room = room();
        let choice = choice(&room).expect("full windows");
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut balance = ClassBalance::default();
        let (mut post, mut sliver) = (0, 0);
        for _ in 0..1000 {
            let key = choice.draw(&room.cloud.position, &balance, &mut random);
            let class: Vec<u8> = choice.candidates(key).iter().map(|&point| room.class[point as usize]).collect();
            assert!(class.len() >= MINIMUM_POINTS);
            post += i32::from(class.contains(&4));
            sliver += i32::from(class.contains(&2));
            balance.count(&class);
        }
        // Evenly drawn it would be 4 of 144 windows, that is 28.
        assert!(post > 300, "{post} of 1000 blocks show the post");
        // The wall is a third of the classes, but its windows are slivers: a fiftieth of a full one.
        assert!((1..60).contains(&sliver), "{sliver} of 1000 blocks are slivers");
    }

    #[test]
    fn without_labels_any_full_window_serves() {
        let mut room = room();
        room.class.fill(IGNORED_CLASS);
        let choice = choice(&room).expect("full windows");
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let keys: std::collections::BTreeSet<_> =
            (0..3000).map(|_| choice.draw(&room.cloud.position, &ClassBalance::default(), &mut random)).collect();
        assert!(keys.len() > 110, "{} windows", keys.len());
    }

    #[test]
    fn what_was_shown_is_wanted_less() {
        let mut balance = ClassBalance::default();
        balance.count(&[2; 150_000]);
        assert!((balance.wanted(1) / balance.wanted(2) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_room_of_slivers_offers_nothing() {
        let mut room = room();
        room.cloud.position.truncate(90);
        room.class.truncate(90);
        room.instance.truncate(90);
        assert!(choice(&room).is_none());
    }
}
