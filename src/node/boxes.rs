//! Objects as messages: detections for programs, markers for people.

use super::SeenObject;
use crate::ros::interfaces::{
    BoundingBox3D, Detection3D, Detection3DArray, Marker, MarkerArray, ObjectHypothesis, Pose, PoseWithCovariance,
    marker_action, marker_type,
};
use crate::ros::{Header, MessageWriter, SendError, Sequence};

/// Height of a name's capital letters (m).
const LETTERS: f64 = 0.15;
/// How much of what lies behind a box is hidden.
const OPACITY: f32 = 0.35;

/// A class's name and colour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClassLook {
    pub(super) name: String,
    pub(super) colour: [u8; 3],
}

/// The class of an object; `None` for one that no list has.
fn look<'l>(object: &SeenObject, looks: &'l [ClassLook]) -> Option<&'l ClassLook> {
    looks.get(usize::from(object.class))
}

fn pose(object: &SeenObject) -> Pose {
    let turn = object.rotation.coords;
    Pose { position: object.centre.coords.into(), orientation: [turn.x, turn.y, turn.z, turn.w] }
}

/// Sends one detection an object: its box, class and score, its instance as the id.
pub(super) fn send_detections(
    writer: &mut MessageWriter,
    header: Header<'_>,
    objects: &[SeenObject],
    looks: &[ClassLook],
) -> Result<(), SendError> {
    let ids: Vec<String> = objects.iter().map(|object| object.instance.to_string()).collect();
    let results: Vec<[ObjectHypothesis<'_>; 1]> = objects
        .iter()
        .map(|object| {
            let pose = PoseWithCovariance { pose: pose(object), ..PoseWithCovariance::default() };
            let class_id = look(object, looks).map_or("", |look| &look.name);
            [ObjectHypothesis { class_id, score: object.confidence.into(), pose }]
        })
        .collect();
    let detections: Vec<Detection3D<'_>> = (objects.iter().zip(&results))
        .zip(&ids)
        .map(|((object, results), id)| Detection3D {
            header,
            results: Sequence::listed(results),
            bbox: BoundingBox3D { center: pose(object), size: object.size.into() },
            id,
        })
        .collect();
    writer.send(&Detection3DArray { header, detections: Sequence::listed(&detections) })
}

/// Sends a box and a name an object, after taking away those of the frame before.
pub(super) fn send_markers(
    writer: &mut MessageWriter,
    header: Header<'_>,
    objects: &[SeenObject],
    looks: &[ClassLook],
) -> Result<(), SendError> {
    let names: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", look(object, looks).map_or("?", |look| &look.name), object.instance))
        .collect();
    let mut markers = vec![Marker { header, action: marker_action::DELETEALL, ..Marker::default() }];
    for (object, name) in objects.iter().zip(&names) {
        let [red, green, blue] =
            look(object, looks).map_or([128; 3], |look| look.colour).map(|value| f32::from(value) / 255.0);
        // Ids beyond 2³¹ wrap: they are names here, nothing else.
        let id = object.instance as i32;
        markers.push(Marker {
            header,
            ns: "box",
            id,
            kind: marker_type::CUBE,
            pose: pose(object),
            // A box without thickness is not drawn.
            scale: object.size.map(|length| length.max(1e-3)).into(),
            color: [red, green, blue, OPACITY],
            ..Marker::default()
        });
        let above = object.rotation * nalgebra::Vector3::new(0.0, 0.0, object.size.z / 2.0 + LETTERS);
        let position = (object.centre + above).coords.into();
        markers.push(Marker {
            header,
            ns: "name",
            id,
            kind: marker_type::TEXT_VIEW_FACING,
            pose: Pose { position, ..Pose::default() },
            scale: [0.0, 0.0, LETTERS],
            color: [1.0, 1.0, 1.0, 1.0],
            text: name,
            ..Marker::default()
        });
    }
    writer.send(&MarkerArray { markers: Sequence::listed(&markers) })
}
