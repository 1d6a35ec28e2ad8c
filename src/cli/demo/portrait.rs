//! The picture of a drive: everything that was seen, in four colourings.

use std::collections::HashMap;
use std::path::Path;

use nalgebra::{Isometry3, Point3};

use super::truth::FrameTruth;
use crate::cloud::{Cloud, INVALID_CLASS, Labels, NO_INSTANCE};
use crate::metrics::IGNORED_CLASS;
use crate::network::Class;
use crate::picture::{LegendEntry, Panel, PictureError, UNLABELLED_COLOUR, View, instance_colour, render, save};

/// Side of a voxel of the picture (m).
const VOXEL: f32 = 0.02;

/// All frames in one cloud, one point per voxel with the label that it had last.
#[derive(Default)]
pub(super) struct Portrait {
    // Only looked up, never walked through: the order of the points is that of their appearance.
    place: HashMap<[i32; 3], usize>,
    position: Vec<[f32; 3]>,
    colour: Vec<[u8; 3]>,
    class: Vec<u16>,
    instance: Vec<u32>,
    true_class: Vec<u8>,
}

impl Portrait {
    /// Adds a frame; `pose` is sensor → fixed frame.
    pub fn add(&mut self, cloud: &Cloud, pose: &Isometry3<f64>, labels: &Labels, truth: &FrameTruth) {
        let pose: Isometry3<f32> = pose.cast();
        for (point, &position) in cloud.position.iter().enumerate() {
            let Some(&true_class) = truth.class.get(point).filter(|&&class| class != IGNORED_CLASS) else { continue };
            let position = pose * Point3::from(position);
            let position = [position.x, position.y, position.z];
            let place = *self.place.entry(position.map(|value| (value / VOXEL).floor() as i32)).or_insert_with(|| {
                self.position.push(position);
                self.colour.push(cloud.colour.as_ref().map_or(UNLABELLED_COLOUR, |colour| colour[point]));
                self.class.push(INVALID_CLASS);
                self.instance.push(NO_INSTANCE);
                self.true_class.push(true_class);
                self.position.len() - 1
            });
            if labels.class[point] != INVALID_CLASS {
                self.class[place] = labels.class[point];
                self.instance[place] = labels.instance[point];
            }
        }
    }

    /// Draws colour, class, instance and truth, and saves the picture.
    ///
    /// # Errors
    /// When there is no place for the file.
    pub fn save(&self, path: &Path, classes: &[Class]) -> Result<(), PictureError> {
        let colour_of = |class: usize| classes.get(class).map_or(UNLABELLED_COLOUR, |class| class.colour);
        let class: Vec<[u8; 3]> = self.class.iter().map(|&class| colour_of(class.into())).collect();
        let truth: Vec<[u8; 3]> = self.true_class.iter().map(|&class| colour_of(class.into())).collect();
        let instance: Vec<[u8; 3]> = self
            .instance
            .iter()
            .map(|&instance| if instance == NO_INSTANCE { UNLABELLED_COLOUR } else { instance_colour(instance) })
            .collect();
        let panels = [
            ("what the camera sees", &self.colour),
            ("class", &class),
            ("instance", &instance),
            ("true class", &truth),
        ]
        .map(|(title, colour)| Panel { title, position: &self.position, colour });
        let legend: Vec<LegendEntry> =
            classes.iter().map(|class| LegendEntry { name: class.name.clone(), colour: class.colour }).collect();
        save(path, &render(&panels, &View { width: 2400, ..View::overview() }, &legend)?)
    }
}
