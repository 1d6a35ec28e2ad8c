//! Thinning a cloud to one point per voxel.

use std::collections::HashSet;

use crate::cloud::{Cloud, LabelledCloud};

/// Keeps the first finite point of every voxel of side `size` metres, in input order.
///
/// Points that are not finite are left out. With a size that is not a positive number nothing is thinned.
/// Positions beyond ±2³¹ voxels share the outermost voxel.
pub fn voxel_thin(cloud: &LabelledCloud, size: f32) -> LabelledCloud {
    let thins = size.is_finite() && size > 0.0;
    let mut seen: HashSet<[i32; 3]> = HashSet::new();
    let keep: Vec<usize> = (0..cloud.cloud.len())
        .filter(|&i| {
            let p = cloud.cloud.position[i];
            p.iter().all(|v| v.is_finite()) && (!thins || seen.insert(p.map(|v| (v / size).floor() as i32)))
        })
        .collect();
    LabelledCloud {
        cloud: Cloud {
            position: keep.iter().map(|&i| cloud.cloud.position[i]).collect(),
            colour: cloud.cloud.colour.as_ref().map(|c| keep.iter().map(|&i| c[i]).collect()),
        },
        class: keep.iter().map(|&i| cloud.class[i]).collect(),
        instance: keep.iter().map(|&i| cloud.instance[i]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cloud(position: Vec<[f32; 3]>) -> LabelledCloud {
        let n = position.len();
        LabelledCloud {
            cloud: Cloud { position, colour: None },
            class: (0..n).map(|i| (i % 13) as u8).collect(),
            instance: (0..n as i32).collect(),
        }
    }

    proptest! {
        #[test]
        fn every_voxel_keeps_its_first_point(points in prop::collection::vec(prop::array::uniform3(-1.0f32..1.0), 0..200)) {
            let input = cloud(points);
            let out = voxel_thin(&input, 0.3);
            let key = |p: [f32; 3]| p.map(|v| (v / 0.3).floor() as i32);
            for (i, p) in input.cloud.position.iter().enumerate() {
                let first = input.cloud.position.iter().position(|q| key(*q) == key(*p)).unwrap();
                prop_assert_eq!(out.instance.contains(&(i as i32)), first == i);
            }
            prop_assert!(out.instance.is_sorted());
        }
    }

    #[test]
    fn strange_numbers_give_a_defined_result() {
        let input = cloud(vec![[f32::NAN; 3], [1e30; 3], [1e30; 3], [0.0; 3], [f32::INFINITY, 0.0, 0.0]]);
        assert_eq!(voxel_thin(&input, 0.02).instance, [1, 3]);
        assert_eq!(voxel_thin(&input, 0.0).instance, [1, 2, 3]);
        assert_eq!(voxel_thin(&input, f32::NAN).instance, [1, 2, 3]);
        assert!(voxel_thin(&LabelledCloud::default(), 0.02).class.is_empty());
    }
}
