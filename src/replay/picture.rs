//! What was labelled as a picture: colour, class, instance side by side.

use std::path::Path;

use super::ReplayError;
use crate::cloud::{Cloud, INVALID_CLASS, Labels, NO_INSTANCE};
use crate::network::Class;
use crate::picture::{LegendEntry, Panel, UNLABELLED_COLOUR, View, instance_colour, render, save};
use crate::pipeline::Pipeline;

/// Paints in the colours of a model's classes.
pub struct Painter<'c> {
    /// The classes.
    pub classes: &'c [Class],
}

impl Painter<'_> {
    /// The map as it stands, from above.
    pub fn map(&self, path: &Path, pipeline: &Pipeline) -> Result<(), ReplayError> {
        let mut labels = Labels::default();
        pipeline.label_map(&mut labels);
        self.paint(path, pipeline.map().cloud(), &labels, View::overview())
    }

    /// One frame of a camera, through its eye.
    pub fn frame(&self, path: &Path, cloud: &Cloud, labels: &Labels) -> Result<(), ReplayError> {
        self.paint(path, cloud, labels, View::from_optical_frame())
    }

    fn paint(&self, path: &Path, cloud: &Cloud, labels: &Labels, view: View) -> Result<(), ReplayError> {
        let of_class = |&class: &u16| match class {
            INVALID_CLASS => UNLABELLED_COLOUR,
            class => self.classes.get(usize::from(class)).map_or(UNLABELLED_COLOUR, |class| class.colour),
        };
        let of_instance = |&id: &u32| if id == NO_INSTANCE { UNLABELLED_COLOUR } else { instance_colour(id) };
        let class: Vec<[u8; 3]> = labels.class.iter().map(of_class).collect();
        let instance: Vec<[u8; 3]> = labels.instance.iter().map(of_instance).collect();
        let position = cloud.position.as_slice();
        let mut panels = Vec::new();
        if let Some(colour) = &cloud.colour {
            panels.push(Panel { title: "colour", position, colour });
        }
        panels.push(Panel { title: "class", position, colour: &class });
        panels.push(Panel { title: "instance", position, colour: &instance });
        let legend: Vec<LegendEntry> =
            self.classes.iter().map(|class| LegendEntry { name: class.name.clone(), colour: class.colour }).collect();
        Ok(save(path, &render(&panels, &view, &legend)?)?)
    }
}
