//! Labels out: the cloud that came in, plus what is known of each point.

use super::layout::check_fields;
use super::{Cloud, CloudError, CloudLayout, Labels, instance_colour};
use crate::ros::cdr::CdrWriter;
use crate::ros::{CdrError, Header, PointCloud2View, PointField, datatype};

/// What the colours of a labelled cloud mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring<'a> {
    /// What the sensor saw.
    #[default]
    Sensor,
    /// The class: one red, green, blue per class index; classes beyond the list and
    /// [`super::INVALID_CLASS`] are black.
    Class(&'a [[u8; 3]]),
    /// The instance, by [`instance_colour`].
    Instance,
}

impl Colouring<'_> {
    /// That of a point; `None` where it is the sensor's.
    pub(crate) fn colour(&self, labels: &Labels, point: usize) -> Option<[u8; 3]> {
        match self {
            Self::Sensor => None,
            Self::Class(palette) => Some(palette.get(usize::from(labels.class[point])).copied().unwrap_or_default()),
            Self::Instance => Some(instance_colour(labels.instance[point])),
        }
    }
}

/// Fields that this file writes: name, type, size.
const WRITTEN: [(&str, u8, u32); 4] = [
    ("label", datatype::UINT16, 2),
    ("instance", datatype::UINT32, 4),
    ("confidence", datatype::FLOAT32, 4),
    ("rgb", datatype::FLOAT32, 4),
];

/// Where each of [`WRITTEN`] goes.
#[derive(Clone, Copy, Debug)]
struct Placement {
    offset: [Option<u32>; 4],
    /// Which of them are new fields.
    appended: [bool; 4],
    point_step: u32,
}

/// Writes the message `input` again with a label for each point, as CDR into `out` (cleared first,
/// reused).
///
/// Points, their order, `height` and `width`, header, byte order and all input bytes of each point
/// are kept; padding between rows is dropped. Behind each point, from the next multiple of four
/// bytes, come `label` (u16), two bytes of padding, `instance` (u32) and `confidence` (f32), in the
/// input's byte order; and `rgb` (packed into an f32) if `colouring` asks for colours and the input
/// has no packed `rgb` or `rgba` field, whose value is otherwise replaced (alpha kept).
///
/// An input that is already labelled does not grow: fields of these names and exactly these types
/// get new values in place. Fields of these names with *other* types, and second fields of these
/// names, are taken out of the field list (their bytes stay) so that every name has one meaning.
///
/// # Errors
/// [`CloudError`] if the input is malformed, `labels` has another length, or the result would not
/// fit the message's 32-bit lengths.
pub fn label_cloud(
    input: &PointCloud2View<'_>,
    labels: &Labels,
    colouring: Colouring<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CloudError> {
    let layout = CloudLayout::of(input)?;
    check_labels(labels, layout.points())?;
    let placement = place(input, colouring)?;
    let data_length = data_length(input.width, input.height, placement.point_step)?;

    let kept = || input.fields.iter().enumerate().filter(|(index, field)| keeps(input, *index, field, colouring));
    let new = WRITTEN.iter().zip(placement.offset).zip(placement.appended).filter(|(_, appended)| *appended);
    let new_fields = new.filter_map(|(((name, datatype, _), offset), _)| {
        Some(PointField { name, offset: offset?, datatype: *datatype, count: 1 })
    });
    let count = kept().count() + placement.appended.iter().filter(|appended| **appended).count();
    let envelope = Envelope {
        header: input.header,
        height: input.height,
        width: input.width,
        is_bigendian: input.is_bigendian,
        point_step: placement.point_step,
        is_dense: input.is_dense,
    };
    let fields = kept().map(|(_, field)| field).chain(new_fields);
    envelope.write(out, count, fields, data_length, |data| {
        let points = layout.rows(input.data).flat_map(|row| row.chunks_exact(layout.point_step));
        for (index, point) in points.enumerate() {
            let start = data.len();
            data.extend_from_slice(point);
            data.resize(start + placement.point_step as usize, 0);
            let colour = colouring.colour(labels, index);
            write_point(&mut data[start..], &placement, labels, index, colour, input.is_bigendian);
        }
    })
}

/// Writes a labelled organised cloud for frames that did not come as PointCloud2 (depth images),
/// as CDR into `out` (cleared first, reused): `x`, `y`, `z` (f32), `rgb` (packed into an f32; only
/// if the cloud has colours or `colouring` asks for some), `label` (u16), `instance` (u32),
/// `confidence` (f32), little-endian.
///
/// # Errors
/// [`CloudError::LabelCount`] if cloud, labels and `width × height` disagree,
/// [`CloudError::TooLarge`] beyond 32-bit lengths.
pub fn label_organised(
    header: Header<'_>,
    width: u32,
    height: u32,
    cloud: &Cloud,
    labels: &Labels,
    colouring: Colouring<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CloudError> {
    let points = cloud.len();
    if u64::from(width) * u64::from(height) != points as u64 {
        let actual = (width as usize).saturating_mul(height as usize);
        return Err(CloudError::LabelCount { column: "width × height", expected: points, actual });
    }
    check_labels(labels, points)?;
    if let Some(colour) = cloud.colour.as_ref().filter(|colour| colour.len() != points) {
        return Err(CloudError::LabelCount { column: "colour", expected: points, actual: colour.len() });
    }
    let coloured = cloud.colour.is_some() || colouring != Colouring::Sensor;
    let rgb = coloured.then_some(12);
    let base = if coloured { 16 } else { 12 };
    let placement = Placement {
        offset: [Some(base), Some(base + 4), Some(base + 8), rgb],
        appended: [true; 4],
        point_step: base + 12,
    };
    let field = |name, offset, datatype| PointField { name, offset, datatype, count: 1 };
    let float = datatype::FLOAT32;
    let position = [field("x", 0, float), field("y", 4, float), field("z", 8, float)];
    let colour = rgb.map(|offset| field("rgb", offset, float));
    let written = [
        field("label", base, datatype::UINT16),
        field("instance", base + 4, datatype::UINT32),
        field("confidence", base + 8, float),
    ];
    let count = position.len() + usize::from(coloured) + written.len();
    let fields = position.into_iter().chain(colour).chain(written);

    let data_length = data_length(width, height, placement.point_step)?;
    let is_dense = cloud.position.iter().flatten().all(|value| value.is_finite());
    let point_step = placement.point_step;
    let envelope = Envelope { header, height, width, is_bigendian: false, point_step, is_dense };
    envelope.write(out, count, fields, data_length, |data| {
        for (index, position) in cloud.position.iter().enumerate() {
            let start = data.len();
            for value in position {
                data.extend_from_slice(&value.to_le_bytes());
            }
            data.resize(start + point_step as usize, 0);
            let seen = cloud.colour.as_ref().map(|colour| colour[index]);
            let colour = colouring.colour(labels, index).or(seen);
            write_point(&mut data[start..], &placement, labels, index, colour, false);
        }
    })
}

/// The message around the points.
struct Envelope<'a> {
    header: Header<'a>,
    height: u32,
    width: u32,
    is_bigendian: bool,
    point_step: u32,
    is_dense: bool,
}

impl Envelope<'_> {
    fn write<'f>(
        &self,
        out: &mut Vec<u8>,
        count: usize,
        fields: impl Iterator<Item = PointField<'f>>,
        data_length: u32,
        write_points: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CloudError> {
        let too_large = |error: CdrError| match error {
            CdrError::TooMany { field, actual, .. } => CloudError::TooLarge { what: field, actual },
            // Writing has no other error.
            _ => CloudError::TooLarge { what: "message", actual: u64::MAX },
        };
        let writer = &mut CdrWriter::new(out);
        crate::ros::Element::write(&self.header, writer, "PointCloud2.header").map_err(too_large)?;
        writer.u32(self.height);
        writer.u32(self.width);
        writer.length("PointCloud2.fields", count).map_err(too_large)?;
        for field in fields {
            crate::ros::Element::write(&field, writer, "PointCloud2.fields").map_err(too_large)?;
        }
        writer.bool(self.is_bigendian);
        writer.u32(self.point_step);
        // Fits: `data_length` is this times the height, or there is no point.
        writer.u32(self.width.saturating_mul(self.point_step));
        writer.u32(data_length);
        writer.buffer().reserve(data_length as usize + 1);
        write_points(writer.buffer());
        writer.bool(self.is_dense);
        Ok(())
    }
}

fn check_labels(labels: &Labels, points: usize) -> Result<(), CloudError> {
    let lengths =
        [("class", labels.class.len()), ("instance", labels.instance.len()), ("confidence", labels.confidence.len())];
    match lengths.into_iter().find(|(_, length)| *length != points) {
        Some((column, actual)) => Err(CloudError::LabelCount { column, expected: points, actual }),
        None => Ok(()),
    }
}

fn data_length(width: u32, height: u32, point_step: u32) -> Result<u32, CloudError> {
    let row = u64::from(width) * u64::from(point_step);
    let length = u64::from(height).saturating_mul(row);
    for (what, actual) in [("row_step", row), ("data", length)] {
        if actual > u64::from(u32::MAX) {
            return Err(CloudError::TooLarge { what, actual });
        }
    }
    Ok(length as u32)
}

/// Index of the input field whose value is written over, for entry `which` of [`WRITTEN`].
fn in_place(input: &PointCloud2View<'_>, which: usize) -> Option<usize> {
    let (name, datatype, _) = WRITTEN[which];
    let mut fields = input.fields.iter();
    if name == "rgb" {
        return fields.position(|field| is_packed_colour(&field));
    }
    fields.position(|field| field.name == name && field.datatype == datatype && field.count <= 1)
}

fn is_packed_colour(field: &PointField<'_>) -> bool {
    let four_bytes = [datatype::FLOAT32, datatype::UINT32, datatype::INT32].contains(&field.datatype);
    matches!(field.name, "rgb" | "rgba") && four_bytes && field.count <= 1
}

/// Whether an input field stays in the field list.
fn keeps(input: &PointCloud2View<'_>, index: usize, field: &PointField<'_>, colouring: Colouring<'_>) -> bool {
    let Some(which) = WRITTEN.iter().position(|(name, ..)| *name == field.name) else { return true };
    if WRITTEN[which].0 == "rgb" && colouring == Colouring::Sensor {
        return true;
    }
    in_place(input, which) == Some(index)
}

fn place(input: &PointCloud2View<'_>, colouring: Colouring<'_>) -> Result<Placement, CloudError> {
    check_fields(input)?;
    let mut placement = Placement { offset: [None; 4], appended: [false; 4], point_step: input.point_step };
    let mut end = u64::from(input.point_step);
    for (which, (name, _, size)) in WRITTEN.iter().enumerate() {
        if *name == "rgb" && colouring == Colouring::Sensor {
            continue;
        }
        if let Some(field) = in_place(input, which).and_then(|index| input.fields.iter().nth(index)) {
            placement.offset[which] = Some(field.offset);
            continue;
        }
        let offset = end.next_multiple_of(4);
        end = offset + u64::from(*size);
        placement.appended[which] = true;
        placement.offset[which] = Some(narrow(offset)?);
    }
    if placement.appended.contains(&true) {
        placement.point_step = narrow(end.next_multiple_of(4))?;
    }
    Ok(placement)
}

fn narrow(point_step: u64) -> Result<u32, CloudError> {
    u32::try_from(point_step).map_err(|_| CloudError::TooLarge { what: "point_step", actual: point_step })
}

#[inline]
fn write_point(
    point: &mut [u8],
    placement: &Placement,
    labels: &Labels,
    index: usize,
    colour: Option<[u8; 3]>,
    big_endian: bool,
) {
    let [label, instance, confidence, rgb] = placement.offset;
    put(point, label, labels.class[index].to_le_bytes(), big_endian);
    put(point, instance, labels.instance[index].to_le_bytes(), big_endian);
    put(point, confidence, labels.confidence[index].to_le_bytes(), big_endian);
    if let Some([red, green, blue]) = colour {
        // Three bytes: the fourth, alpha, keeps its value.
        let first = rgb.map(|offset| offset + u32::from(big_endian));
        put(point, first, [blue, green, red], big_endian);
    }
}

#[inline]
fn put<const N: usize>(point: &mut [u8], offset: Option<u32>, mut bytes: [u8; N], big_endian: bool) {
    let Some(offset) = offset else { return };
    if big_endian {
        bytes.reverse();
    }
    point[offset as usize..][..N].copy_from_slice(&bytes);
}
