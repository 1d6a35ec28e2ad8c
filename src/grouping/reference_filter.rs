//! After the reference's block merging: small instances are dropped, the rest are renumbered
//! (`test.py` of ASIS and JSNet; `design/networks.md` §6).

use std::collections::BTreeMap;

/// Instances of at most this part of their class's mean size are dropped.
pub const SMALL_INSTANCE_FRACTION: f64 = 0.25;

/// How the reference stores the labels between merging and filtering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelStorage {
    /// As they are (JSNet, HDF5 input).
    #[default]
    Int32,
    /// Modulo 256 (ASIS, `.npy` input): −1 becomes instance 255, instances 256 apart become one.
    Uint8,
}

/// Instances that are large enough for their class, renumbered 0, 1, … by ascending old id; all other
/// points get −1.
///
/// `label` is the instance of each point (−1: none), `class` the predicted class, `mean_size` the
/// mean number of points of an instance of each class. The class of an instance is the mode of its
/// points' classes, the smallest of equals. Points without a class entry keep −1; an instance whose
/// class has no mean size is kept.
pub fn filter_small_instances(label: &[i32], class: &[i32], mean_size: &[f64], storage: LabelStorage) -> Vec<i32> {
    let stored = |label: i32| match storage {
        LabelStorage::Int32 => label,
        LabelStorage::Uint8 => i32::from(label as u8),
    };
    let mut votes: BTreeMap<i32, BTreeMap<i32, usize>> = BTreeMap::new();
    for (&label, &class) in label.iter().zip(class) {
        *votes.entry(stored(label)).or_default().entry(class).or_default() += 1;
    }
    let mut renumbered = BTreeMap::new();
    for (&instance, votes) in votes.iter().filter(|(instance, _)| **instance != -1) {
        let points: usize = votes.values().sum();
        let mut mode = (-1, 0);
        for (&class, &count) in votes {
            if count > mode.1 {
                mode = (class, count);
            }
        }
        let mean = usize::try_from(mode.0).ok().and_then(|class| mean_size.get(class)).copied().unwrap_or(0.0);
        if points as f64 > SMALL_INSTANCE_FRACTION * mean {
            renumbered.insert(instance, renumbered.len() as i32);
        }
    }
    label.iter().map(|&label| renumbered.get(&stored(label)).copied().unwrap_or(-1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_instances_go_and_the_rest_close_ranks() {
        let label = [vec![-1; 9], vec![4; 5], vec![7; 6], vec![2; 3]].concat();
        let class = [vec![0; 9], vec![1; 5], vec![1; 6], vec![0, 0, 1]].concat();
        // Class 1 has mean 20: five points are not more than a quarter, six are.
        let filtered = filter_small_instances(&label, &class, &[8.0, 20.0], LabelStorage::Int32);
        assert_eq!(filtered, [vec![-1; 9], vec![-1; 5], vec![1; 6], vec![0; 3]].concat());
    }

    #[test]
    fn eight_bits_make_an_instance_of_nothing() {
        let filtered = filter_small_instances(&[-1, 300, 44, 3], &[0; 4], &[0.0], LabelStorage::Uint8);
        assert_eq!(filtered, [2, 1, 1, 0]);
    }

    #[test]
    fn empty_and_unknown_class() {
        assert!(filter_small_instances(&[], &[], &[], LabelStorage::Int32).is_empty());
        assert_eq!(filter_small_instances(&[5], &[-1], &[1e9], LabelStorage::Int32), [0]);
    }
}
