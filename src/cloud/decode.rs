//! PointCloud2 → [`Cloud`].

use super::{Cloud, CloudError, CloudLayout, ColourLayout, Column, Scalar};
use crate::ros::PointCloud2View;

/// Points whose bytes are read twice (position, colour) before moving on, so that they stay in the
/// nearest cache.
const POINTS_AT_ONCE: usize = 256;

/// Fills `cloud` with the points of a message, in its order; buffers are reused. f64 coordinates
/// are rounded to f32. Non-finite ones are kept as they are.
///
/// The common case, little-endian f32 x, y, z side by side and a packed colour, is read without
/// looking at the description again; everything else goes the way of [`decode_plain`], column by
/// column. Both give the same bits.
///
/// # Errors
/// [`CloudError`]; `cloud` is then unchanged.
pub fn decode(view: &PointCloud2View<'_>, cloud: &mut Cloud) -> Result<CloudLayout, CloudError> {
    let layout = CloudLayout::of(view)?;
    let mut colour = clear(cloud, layout.colour.is_some());
    let xyz = adjacent_floats(&layout.position);
    let rgb = layout.colour.and_then(packed_offset);
    for row in layout.rows(view.data) {
        for points in row.chunks(POINTS_AT_ONCE * layout.point_step) {
            let points = || points.chunks_exact(layout.point_step);
            match xyz {
                Some(offset) => cloud.position.extend(points().map(|point| {
                    let bytes = &point[offset..offset + 12];
                    [float(bytes, 0), float(bytes, 4), float(bytes, 8)]
                })),
                None => cloud.position.extend(points().map(|point| position(&layout, point))),
            }
            match (&mut colour, rgb, layout.colour) {
                (Some(colour), Some(offset), _) => colour.extend(points().map(|point| {
                    let bytes = &point[offset..offset + 3];
                    [bytes[2], bytes[1], bytes[0]]
                })),
                (Some(colour), None, Some(layout)) => colour.extend(points().map(|point| rgb_of(layout, point))),
                _ => {}
            }
        }
    }
    cloud.colour = colour;
    Ok(layout)
}

/// The same as [`decode`], for every layout in the same way: the oracle.
///
/// # Errors
/// As [`decode`].
pub fn decode_plain(view: &PointCloud2View<'_>, cloud: &mut Cloud) -> Result<CloudLayout, CloudError> {
    let layout = CloudLayout::of(view)?;
    let mut colour = clear(cloud, layout.colour.is_some());
    for row in layout.rows(view.data) {
        for point in row.chunks_exact(layout.point_step) {
            cloud.position.push(position(&layout, point));
            if let (Some(colour), Some(layout)) = (&mut colour, layout.colour) {
                colour.push(rgb_of(layout, point));
            }
        }
    }
    cloud.colour = colour;
    Ok(layout)
}

/// Empties the cloud and hands out its colour buffer, if one is wanted.
fn clear(cloud: &mut Cloud, coloured: bool) -> Option<Vec<[u8; 3]>> {
    cloud.position.clear();
    let mut colour = cloud.colour.take().filter(|_| coloured).unwrap_or_default();
    colour.clear();
    coloured.then_some(colour)
}

#[inline]
fn position(layout: &CloudLayout, point: &[u8]) -> [f32; 3] {
    layout.position.map(|column| match column.scalar {
        // Not by way of f64: NaN payloads survive.
        Scalar::F32 => f32::from_le_bytes(column.bytes(point)),
        _ => column.value(point) as f32,
    })
}

#[inline]
fn rgb_of(layout: ColourLayout, point: &[u8]) -> [u8; 3] {
    match layout {
        ColourLayout::Packed(column) => {
            let [blue, green, red, _] = column.bytes(point);
            [red, green, blue]
        }
        ColourLayout::Separate { red, green, blue } => [point[red], point[green], point[blue]],
    }
}

#[inline]
fn float(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Offset of x if x, y, z are little-endian f32 side by side.
fn adjacent_floats(position: &[Column; 3]) -> Option<usize> {
    let offset = position[0].offset;
    let expected = [offset, offset + 4, offset + 8];
    let fits = position
        .iter()
        .zip(expected)
        .all(|(column, offset)| column.scalar == Scalar::F32 && !column.big_endian && column.offset == offset);
    fits.then_some(offset)
}

/// Offset of a packed little-endian colour.
fn packed_offset(layout: ColourLayout) -> Option<usize> {
    match layout {
        ColourLayout::Packed(column) if !column.big_endian => Some(column.offset),
        _ => None,
    }
}
