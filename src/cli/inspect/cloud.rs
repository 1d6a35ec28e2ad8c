//! Clouds and rooms: points, extents, labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::{Content, InspectError};
use crate::cloud::{Cloud, LabelledCloud};
use crate::transport::{FileCloud, FileError, FileFormat, open_cloud, open_room};

/// A room larger than this is measured in other units, or has outliers; metres.
const LARGEST: f32 = 1000.0;

/// Class of points that no score counts.
const IGNORED: u8 = 255;

/// What is in a cloud.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CloudReport {
    /// Format of the file; `None` for the points of a room.
    pub format: Option<FileFormat>,
    /// All points.
    pub points: usize,
    /// Points whose three coordinates are finite.
    pub finite: usize,
    /// Points in a row, rows.
    pub organised: Option<(usize, usize)>,
    /// Least and greatest coordinates of the finite points, metres.
    pub extents: Option<([f32; 3], [f32; 3])>,
    /// Whether there is colour.
    pub has_colour: bool,
    /// Further columns, with their types.
    pub extra: Vec<String>,
    /// Pose of the sensor, `tx ty tz qw qx qy qz`.
    pub viewpoint: Option<[f32; 7]>,
}

/// What is in a room.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RoomReport {
    /// The points.
    pub cloud: CloudReport,
    /// Points per class; 255 = ignored.
    pub classes: BTreeMap<u8, usize>,
    /// Different instances.
    pub instances: usize,
    /// Points that belong to no instance.
    pub without_instance: usize,
}

/// Reads a cloud.
pub fn inspect(path: &Path) -> Result<(Content, Vec<String>), InspectError> {
    let file = open_cloud(path)?;
    let (report, findings) = describe_file(&file);
    Ok((Content::Cloud(report), findings))
}

/// Reads arrays: a room where there are labels, else a cloud.
pub fn inspect_arrays(path: &Path) -> Result<(Content, Vec<String>), InspectError> {
    let error = match open_room(path) {
        Ok(room) => {
            let (report, findings) = describe_room(&room);
            return Ok((Content::Room(report), findings));
        }
        Err(error) => error,
    };
    // Without labels it may be a plain cloud; with labels that are wrong it is neither.
    let lacks_labels = match &error {
        FileError::Malformed { part, found, .. } => part == "archive" || found.starts_with("shape"),
        _ => false,
    };
    if lacks_labels { inspect(path) } else { Err(error.into()) }
}

fn describe_file(file: &FileCloud) -> (CloudReport, Vec<String>) {
    let (mut report, findings) = describe(&file.cloud);
    report.format = Some(file.format);
    report.organised = file.is_organised().then_some((file.width, file.height));
    report.extra = file.extra.iter().map(|column| format!("{} ({:?})", column.name, column.scalar)).collect();
    report.viewpoint = file.viewpoint;
    (report, findings)
}

fn describe(cloud: &Cloud) -> (CloudReport, Vec<String>) {
    let mut extents: Option<([f32; 3], [f32; 3])> = None;
    let mut finite = 0;
    for point in cloud.position.iter().filter(|point| point.iter().all(|value| value.is_finite())) {
        finite += 1;
        let (low, high) = extents.get_or_insert((*point, *point));
        for axis in 0..3 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    let report = CloudReport {
        format: None,
        points: cloud.len(),
        finite,
        organised: None,
        extents,
        has_colour: cloud.colour.is_some(),
        extra: Vec::new(),
        viewpoint: None,
    };
    let mut findings = Vec::new();
    match extents {
        None if cloud.is_empty() => findings.push("there is no point".to_owned()),
        None => findings.push("no point has finite coordinates".to_owned()),
        Some((low, high)) if low == high && finite > 1 => findings.push(format!("all points are at {low:?}")),
        Some((low, high)) => {
            let largest = (0..3).map(|axis| high[axis] - low[axis]).fold(0.0, f32::max);
            if largest > LARGEST {
                findings.push(format!("it extends over {largest:.0} m: outliers, or millimetres taken for metres"));
            }
        }
    }
    if let Some(colour) = &cloud.colour
        && colour.len() > 1
        && colour.iter().all(|pixel| *pixel == colour[0])
    {
        findings.push(format!("all points have the colour {:?}", colour[0]));
    }
    (report, findings)
}

fn describe_room(room: &LabelledCloud) -> (RoomReport, Vec<String>) {
    let (cloud, mut findings) = describe(&room.cloud);
    let mut classes = BTreeMap::new();
    room.class.iter().for_each(|class| *classes.entry(*class).or_insert(0) += 1);
    let mut class_of: BTreeMap<i32, u8> = BTreeMap::new();
    let mut mixed = BTreeSet::new();
    for (&instance, &class) in room.instance.iter().zip(&room.class).filter(|(instance, _)| **instance >= 0) {
        if *class_of.entry(instance).or_insert(class) != class {
            mixed.insert(instance);
        }
    }
    let without_instance = room.instance.iter().filter(|instance| **instance < 0).count();
    let unknown: Vec<u8> = classes.keys().copied().filter(|class| (13..IGNORED).contains(class)).collect();
    if !unknown.is_empty() {
        findings.push(format!("classes {unknown:?} are none of the 13 of S3DIS"));
    }
    if let Some(first) = mixed.first() {
        findings.push(format!("{} instances hold points of several classes, the first is {first}", mixed.len()));
    }
    if class_of.is_empty() && !room.class.is_empty() {
        findings.push("no point belongs to an instance".to_owned());
    }
    (RoomReport { cloud, classes, instances: class_of.len(), without_instance }, findings)
}

impl fmt::Display for CloudReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a cloud of {} points, {} of them finite", self.points, self.finite)?;
        match self.organised {
            Some((width, height)) => write!(f, ", organised {width} × {height}")?,
            None => write!(f, ", not organised")?,
        }
        write!(f, ", {} colour", if self.has_colour { "with" } else { "without" })?;
        if let Some((low, high)) = self.extents {
            for axis in 0..3 {
                let name = ["x", "y", "z"][axis];
                write!(f, "\n  {name} from {:.3} to {:.3} m", low[axis], high[axis])?;
            }
        }
        if !self.extra.is_empty() {
            write!(f, "\n  further columns: {}", self.extra.join(", "))?;
        }
        if let Some(pose) = self.viewpoint {
            write!(f, "\n  sensor at {:?}, turned by (w x y z) {:?}", &pose[..3], &pose[3..])?;
        }
        Ok(())
    }
}

impl fmt::Display for RoomReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 13] = [
            "ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase",
            "board", "clutter",
        ];
        write!(f, "an annotated room: {}", self.cloud)?;
        write!(f, "\n  {} instances, {} points without", self.instances, self.without_instance)?;
        for (&class, count) in &self.classes {
            let name = match class {
                IGNORED => "ignored",
                _ => NAMES.get(usize::from(class)).copied().unwrap_or("?"),
            };
            let share = 100.0 * *count as f64 / self.cloud.points.max(1) as f64;
            write!(f, "\n  {class:>3} {name:<9} {count:>9} points, {share:>5.1} %")?;
        }
        Ok(())
    }
}
