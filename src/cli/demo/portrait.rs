//! The picture of a drive: everything that was seen, in four colourings.

use std::collections::HashMap;
use std::path::Path;

use nalgebra::{Isometry3, Point3};

use super::truth::FrameTruth;
use crate::cloud::{Cloud, INVALID_CLASS, Labels, NO_INSTANCE};
use crate::metrics::IGNORED_CLASS;
use crate::network::Class;
use crate::picture::{
    Ceiling, LegendEntry, Panel, PictureError, UNLABELLED_COLOUR, View, Viewpoint, instance_colour, render, save,
};

/// Side of a voxel of the picture (m).
const VOXEL: f32 = 0.02;
/// A point with fewer points than this in its cell and the cells around it is a stray, such as a pixel
/// between two depths. It would be drawn as a large disc, for its neighbours are far.
const COMPANY: usize = 7;
/// Side of such a cell (m).
const CELL: f32 = 0.05;
/// How much is cut off below the ceiling (m): lamps and beams hide what stands under them.
const CEILING: f32 = 0.35;

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

    /// Draws colour, class, instance and truth, and saves the picture. `height` is that of the room (m): its
    /// ceiling is lifted off.
    ///
    /// # Errors
    /// When there is no place for the file.
    pub fn save(&self, path: &Path, classes: &[Class], height: f32) -> Result<(), PictureError> {
        let colour_of = |class: usize| classes.get(class).map_or(UNLABELLED_COLOUR, |class| class.colour);
        let colour_of_instance =
            |instance| if instance == NO_INSTANCE { UNLABELLED_COLOUR } else { instance_colour(instance) };
        let shown = self.in_company();
        let position: Vec<[f32; 3]> = shown.iter().map(|&point| self.position[point]).collect();
        let column = |colour: &dyn Fn(usize) -> [u8; 3]| shown.iter().map(|&point| colour(point)).collect();
        let colour: Vec<[u8; 3]> = column(&|point| self.colour[point]);
        let class: Vec<[u8; 3]> = column(&|point| colour_of(self.class[point].into()));
        let truth: Vec<[u8; 3]> = column(&|point| colour_of(self.true_class[point].into()));
        let instance: Vec<[u8; 3]> = column(&|point| colour_of_instance(self.instance[point]));
        let panels = [("colour", &colour), ("class", &class), ("instance", &instance), ("truth", &truth)]
            .map(|(title, colour)| Panel { title, position: &position, colour });
        let legend: Vec<LegendEntry> =
            classes.iter().map(|class| LegendEntry { name: class.name.clone(), colour: class.colour }).collect();
        let ceiling = Ceiling::CutAbove(height - CEILING);
        let viewpoint = Viewpoint::Overview { azimuth: -2.2, elevation: 0.95, ceiling, open_front: true };
        save(path, &render(&panels, &View { width: 2400, viewpoint, ..View::overview() }, &legend)?)
    }

    /// Points that are no strays.
    fn in_company(&self) -> Vec<usize> {
        let cell = |position: &[f32; 3]| position.map(|value| (value / CELL).floor() as i32);
        let mut residents: HashMap<[i32; 3], usize> = HashMap::new();
        for position in &self.position {
            *residents.entry(cell(position)).or_default() += 1;
        }
        let around = |[x, y, z]: [i32; 3]| -> usize {
            let steps = (0..27).map(|step| [x + step % 3 - 1, y + step / 3 % 3 - 1, z + step / 9 - 1]);
            steps.filter_map(|cell| residents.get(&cell)).sum()
        };
        (0..self.position.len()).filter(|&point| around(cell(&self.position[point])) >= COMPANY).collect()
    }
}
