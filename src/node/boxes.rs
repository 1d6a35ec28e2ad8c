//! Objects as messages: detections for programs, markers for people.

use super::SeenObject;
use crate::network::Class;
use crate::ros::interfaces::{
    BoundingBox3D, Detection3D, Detection3DArray, Marker, MarkerArray, ObjectHypothesis, Pose, PoseWithCovariance,
    marker_action, marker_type,
};
use crate::ros::{CdrError, Header, Message, Sequence};

/// Height of a name's capital letters (m).
const LETTERS: f64 = 0.15;
/// How much of what lies behind a box is hidden.
const OPACITY: f32 = 0.35;

/// The class of an object; `None` for one that no list has.
fn class_of<'c>(object: &SeenObject, classes: &'c [Class]) -> Option<&'c Class> {
    classes.get(usize::from(object.class))
}

fn pose(object: &SeenObject) -> Pose {
    let turn = object.rotation.coords;
    Pose { position: object.centre.coords.into(), orientation: [turn.x, turn.y, turn.z, turn.w] }
}

/// Writes one detection an object as CDR: its box, class and score, its instance as the id.
pub(super) fn write_detections(
    header: Header<'_>,
    objects: &[SeenObject],
    classes: &[Class],
    out: &mut Vec<u8>,
) -> Result<(), CdrError> {
    let ids: Vec<String> = objects.iter().map(|object| object.instance.to_string()).collect();
    let results: Vec<[ObjectHypothesis<'_>; 1]> = objects
        .iter()
        .map(|object| {
            let pose = PoseWithCovariance { pose: pose(object), ..PoseWithCovariance::default() };
            let class_id = class_of(object, classes).map_or("", |class| &class.name);
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
    Detection3DArray { header, detections: Sequence::listed(&detections) }.encode(out)
}

/// Writes a box and a name an object as CDR, behind what takes away those of the frame before.
pub(super) fn write_markers(
    header: Header<'_>,
    objects: &[SeenObject],
    classes: &[Class],
    out: &mut Vec<u8>,
) -> Result<(), CdrError> {
    let names: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", class_of(object, classes).map_or("?", |class| &class.name), object.instance))
        .collect();
    let mut markers = vec![Marker { header, action: marker_action::DELETEALL, ..Marker::default() }];
    for (object, name) in objects.iter().zip(&names) {
        let [red, green, blue] =
            class_of(object, classes).map_or([128; 3], |class| class.colour).map(|value| f32::from(value) / 255.0);
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
    MarkerArray { markers: Sequence::listed(&markers) }.encode(out)
}

#[cfg(test)]
mod tests {
    use nalgebra::{Point3, UnitQuaternion, Vector3};

    use super::*;
    use crate::ros::Time;

    fn object() -> SeenObject {
        SeenObject {
            instance: 9,
            class: 1,
            points: 40,
            confidence: 0.75,
            centre: Point3::new(1.0, 2.0, 3.0),
            rotation: UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.5),
            size: Vector3::new(0.4, 0.0, 0.8),
        }
    }

    fn classes() -> Vec<Class> {
        ["floor", "chair"].map(|name| Class { name: name.to_owned(), colour: [255, 0, 51] }).to_vec()
    }

    const HEADER: Header<'static> = Header { stamp: Time { sec: 4, nanosec: 5 }, frame_id: "camera" };

    #[test]
    fn a_detection_says_which_object_what_and_where() {
        let mut bytes = Vec::new();
        write_detections(HEADER, &[object()], &classes(), &mut bytes).expect("short");
        let message = Detection3DArray::decode(&bytes).expect("detections");
        let found: Vec<Detection3D<'_>> = message.detections.iter().collect();
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((message.header, one.header, one.id), (HEADER, HEADER, "9"));
        assert_eq!((one.bbox.center.position, one.bbox.size), ([1.0, 2.0, 3.0], [0.4, 0.0, 0.8]));
        let results: Vec<ObjectHypothesis<'_>> = one.results.iter().collect();
        assert_eq!((results.len(), results[0].class_id, results[0].score), (1, "chair", 0.75));
        let [x, y, z, w] = one.bbox.center.orientation;
        assert!(x == 0.0 && y == 0.0 && (z - 0.25_f64.sin()).abs() < 1e-12 && (w - 0.25_f64.cos()).abs() < 1e-12);
    }

    #[test]
    fn markers_take_away_the_old_ones_and_draw_a_box_and_a_name() {
        let unknown = SeenObject { class: 7, ..object() };
        let mut bytes = Vec::new();
        write_markers(HEADER, &[object(), unknown], &classes(), &mut bytes).expect("short");
        let message = MarkerArray::decode(&bytes).expect("markers");
        let found: Vec<Marker<'_>> = message.markers.iter().collect();
        assert_eq!((found.len(), found[0].action), (5, marker_action::DELETEALL));
        assert_eq!((found[1].kind, found[1].ns, found[1].id), (marker_type::CUBE, "box", 9));
        assert_eq!(found[1].color, [1.0, 0.0, 0.2, OPACITY]);
        assert!(found[1].scale[1] > 0.0, "what is flat is drawn too");
        assert_eq!((found[2].text, found[2].kind), ("chair 9", marker_type::TEXT_VIEW_FACING));
        assert!(found[2].pose.position[2] > 3.4, "above the box");
        assert_eq!(found[4].text, "? 9");
    }
}
