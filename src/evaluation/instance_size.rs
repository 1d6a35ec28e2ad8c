//! How many points an instance of each class has in the seeds' blocks.
//!
//! The reference drops predicted instances that are small against this mean. The seeds measure it on
//! their training blocks (`estimate_mean_ins_size.py`): room by room, over all blocks together, so that
//! windows that overlap and points that were drawn twice count as often as they occur.

use std::collections::BTreeMap;

use super::{EvaluationError, check_room};
use crate::block::Windowing;
use crate::block::reference::{ReferenceRoom, shift_to_origin};
use crate::cloud::LabelledCloud;
use crate::metrics::{IGNORED_CLASS, UNLABELLED_INSTANCE};

/// Points and instances of each class so far.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanInstanceSize {
    windowing: Windowing,
    seed: u64,
    points: Vec<u64>,
    instances: Vec<u64>,
}

impl MeanInstanceSize {
    /// Nothing measured yet. Blocks are drawn with `seed`, every room anew.
    pub fn new(windowing: Windowing, classes: usize, seed: u64) -> Self {
        Self { windowing, seed, points: vec![0; classes], instances: vec![0; classes] }
    }

    /// Adds a room. The class of an instance is the mode of its points' classes, of equals the
    /// smallest. Ignored points and those without an instance do not count.
    ///
    /// # Errors
    /// A room that cannot be evaluated either; nothing has changed then.
    pub fn add_room(&mut self, room: &LabelledCloud) -> Result<(), EvaluationError> {
        check_room(room, self.points.len())?;
        let mut cloud = room.cloud.clone();
        shift_to_origin(&mut cloud);
        let windows = ReferenceRoom::new(&cloud, self.windowing)?;
        let mut generator = ReferenceRoom::generator(self.seed);
        let mut sample = Vec::new();
        let mut votes: BTreeMap<i32, BTreeMap<u8, u64>> = BTreeMap::new();
        for window in windows.kept() {
            windows.draw(window, &mut generator, &mut sample);
            for &point in &sample {
                let (class, instance) = (room.class[point as usize], room.instance[point as usize]);
                if class != IGNORED_CLASS && instance != UNLABELLED_INSTANCE {
                    *votes.entry(instance).or_default().entry(class).or_default() += 1;
                }
            }
        }
        for votes in votes.values() {
            let mut mode = (0, 0);
            for (&class, &count) in votes {
                if count > mode.1 {
                    mode = (class, count);
                }
            }
            self.points[usize::from(mode.0)] += votes.values().sum::<u64>();
            self.instances[usize::from(mode.0)] += 1;
        }
        Ok(())
    }

    /// The means, truncated to whole points as in the reference; 0 for a class that did not occur.
    pub fn finish(&self) -> Vec<f64> {
        let mean = |(&points, &instances): (&u64, &u64)| points.checked_div(instances).unwrap_or(0) as f64;
        self.points.iter().zip(&self.instances).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;

    #[test]
    fn sizes_count_blocks_and_repeats() {
        // 120 points in one window of 240: every point once, and 120 random repeats.
        let position = (0..120).map(|i| [(i % 12) as f32 * 0.08, (i / 12) as f32 * 0.09, 0.0]).collect();
        let mut room =
            LabelledCloud { cloud: Cloud { position, colour: None }, class: vec![1; 120], instance: vec![7; 120] };
        let windowing = Windowing { points: 240, ..Windowing::default() };
        let measure = |room: &LabelledCloud| {
            let mut size = MeanInstanceSize::new(windowing, 3, 0);
            size.add_room(room).map(|()| size.finish())
        };
        assert_eq!(measure(&room).unwrap(), [0.0, 240.0, 0.0]);
        room.instance[60..].fill(9);
        assert_eq!(measure(&room).unwrap(), [0.0, 120.0, 0.0]);
        room.instance[60..].fill(UNLABELLED_INSTANCE);
        assert!(measure(&room).unwrap()[1] < 240.0);
        room.class[5] = 3;
        assert!(matches!(measure(&room), Err(EvaluationError::Class { point: 5, class: 3, classes: 3 })));
    }
}
