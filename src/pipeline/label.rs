//! Labels of points and voxels: what the map says of them now.

use super::Pipeline;
use crate::cloud::{INVALID_CLASS, Labels, NO_INSTANCE};
use crate::map::NO_VOXEL;

impl Pipeline {
    /// What the map says of each of its voxels, in the order of [`map`](Self::map)'s cloud.
    pub fn label_map(&self, labels: &mut Labels) {
        let voxels = self.map.len();
        labels.class.clear();
        labels.instance.clear();
        labels.confidence.clear();
        for voxel in 0..voxels as u32 {
            let (class, instance, confidence) = self.voxel_label(voxel).unwrap_or((INVALID_CLASS, NO_INSTANCE, 0.0));
            labels.class.push(class);
            labels.instance.push(instance);
            labels.confidence.push(confidence);
        }
    }

    /// Class, instance and confidence of a voxel; `None` while nobody has judged it. Instances that are too
    /// small to be shown are none.
    fn voxel_label(&self, voxel: u32) -> Option<(u16, u32, f32)> {
        let (class, confidence) = self.map.votes().winner(voxel)?;
        let instance = self.map.instance()[voxel as usize];
        let shown = self.merger.registry.voxels(instance) >= self.config.grouping.minimum_instance as u64;
        let instance = if shown { self.merger.registry.resolve(instance) } else { NO_INSTANCE };
        Some((class, instance, confidence))
    }

    /// Every point gets its voxel's label. Returns how many instances were met.
    pub(super) fn label_points(&mut self, labels: &mut Labels) -> usize {
        self.merger.registry.retire();
        let points = self.voxel_of_point.len();
        labels.class.clear();
        labels.class.resize(points, INVALID_CLASS);
        labels.instance.clear();
        labels.instance.resize(points, NO_INSTANCE);
        labels.confidence.clear();
        labels.confidence.resize(points, 0.0);
        self.seen_instances.clear();
        // Neighbours in an image often share a voxel, and more often an instance.
        let (mut last, mut last_label) = (NO_VOXEL, None);
        for (point, &voxel) in self.voxel_of_point.iter().enumerate() {
            if voxel != last {
                (last, last_label) = (voxel, if voxel == NO_VOXEL { None } else { self.voxel_label(voxel) });
            }
            if let Some((class, instance, confidence)) = last_label {
                labels.class[point] = class;
                labels.instance[point] = instance;
                labels.confidence[point] = confidence;
                if instance != NO_INSTANCE && self.seen_instances.last() != Some(&instance) {
                    self.seen_instances.push(instance);
                }
            }
        }
        self.seen_instances.sort_unstable();
        self.seen_instances.dedup();
        self.seen_instances.len()
    }
}
