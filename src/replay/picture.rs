//! The map as a picture: colour, class, instance side by side.

use std::path::Path;

use super::ReplayError;
use super::place::directions;
use super::session::LastView;
use crate::cloud::{INVALID_CLASS, Labels, NO_INSTANCE};
use crate::network::Model;
use crate::picture::{LegendEntry, Panel, UNLABELLED_COLOUR, View, Viewpoint, instance_colour, render, save};
use crate::pipeline::Pipeline;

/// Paints the map as it stands: from above, or through the camera's eye if it is one camera's frame.
pub fn paint(
    path: &Path,
    pipeline: &Pipeline,
    model: &Model,
    last: LastView,
    single_frame: bool,
) -> Result<(), ReplayError> {
    let cloud = pipeline.map().cloud();
    let mut labels = Labels::default();
    pipeline.label_map(&mut labels);
    let classes = &model.manifest().classes;
    let class_colour = |&class: &u16| match class {
        INVALID_CLASS => UNLABELLED_COLOUR,
        class => classes.get(usize::from(class)).map_or(UNLABELLED_COLOUR, |class| class.colour),
    };
    let instance_colour = |&id: &u32| if id == NO_INSTANCE { UNLABELLED_COLOUR } else { instance_colour(id) };
    let class: Vec<[u8; 3]> = labels.class.iter().map(class_colour).collect();
    let instance: Vec<[u8; 3]> = labels.instance.iter().map(instance_colour).collect();
    let position = cloud.position.as_slice();
    let mut panels = Vec::new();
    if let Some(colour) = &cloud.colour {
        panels.push(Panel { title: "colour", position, colour });
    }
    panels.push(Panel { title: "class", position, colour: &class });
    panels.push(Panel { title: "instance", position, colour: &instance });
    let mut view = View::overview();
    if single_frame && last.optical {
        let eye = last.pose.translation.vector;
        let [forward, up] = directions(&last.pose, last.optical);
        view.viewpoint = Viewpoint::Sensor { eye: [eye.x as f32, eye.y as f32, eye.z as f32], forward, up };
    }
    let legend: Vec<LegendEntry> =
        classes.iter().map(|class| LegendEntry { name: class.name.clone(), colour: class.colour }).collect();
    Ok(save(path, &render(&panels, &view, &legend)?)?)
}
