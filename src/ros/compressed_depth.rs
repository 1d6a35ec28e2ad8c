//! Depth images as `compressed_depth_image_transport` packs them: a PNG of 16-bit numbers behind a small header.
//!
//! Source: `compressed_depth_image_transport/src/codec.cpp` and `compression_common.hpp` of image_transport_plugins. The
//! format is `16UC1; compressedDepth png` (older: without `png`), the numbers being millimetres; or the same with
//! `32FC1`, the numbers being inverse depths quantised with the header's two parameters. The lossless RVL variant is not
//! read.

use std::io::Cursor;

use super::{CdrError, CompressedImageView, ImageView, Message};

/// Size of the header: what kind of compression, and two parameters of it.
const HEADER: usize = 12;
/// Most pixels along an edge; no depth camera has a tenth of it.
const WIDEST: u32 = 1 << 14;

/// Why a message is no compressed depth image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressedDepthError {
    /// The bytes are no such message.
    #[error(transparent)]
    Cdr(#[from] CdrError),
    /// Packed in another way.
    #[error("expected a format such as \"16UC1; compressedDepth png\", found {found:?}")]
    Format {
        /// What the message says.
        found: String,
    },
    /// Shorter than its header.
    #[error("compressed depth: expected a header of {HEADER} bytes, found {found}")]
    Short {
        /// Bytes that there are.
        found: usize,
    },
    /// The picture in it.
    #[error("compressed depth: {reason}")]
    Picture {
        /// What is wrong with it.
        reason: String,
    },
}

/// Unpacks a `sensor_msgs/msg/CompressedImage` (CDR) into a `sensor_msgs/msg/Image` (CDR, in `out`, which is cleared) of
/// encoding `16UC1` (mm; 0: nothing measured) or `32FC1` (m; NaN: nothing measured), with the same stamp and frame.
///
/// # Errors
/// [`CompressedDepthError`]; `out` is of no use then.
pub fn unpack_depth(message: &[u8], out: &mut Vec<u8>) -> Result<(), CompressedDepthError> {
    let message = CompressedImageView::decode(message)?;
    let (encoding, packing) = message.format.split_once(';').unwrap_or((message.format, ""));
    let is_known =
        ["16UC1", "32FC1"].contains(&encoding) && matches!(packing.trim(), "compressedDepth" | "compressedDepth png");
    if !is_known {
        return Err(CompressedDepthError::Format { found: message.format.to_owned() });
    }
    let (header, png) =
        message.data.split_at_checked(HEADER).ok_or(CompressedDepthError::Short { found: message.data.len() })?;
    let (size, pixels) = sixteen_bits(png)?;
    let data: Vec<u8> = if encoding == "16UC1" {
        pixels.iter().flat_map(|value| value.to_le_bytes()).collect()
    } else {
        let parameter = |at: usize| f32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (scale, offset) = (parameter(4), parameter(8));
        let depth = |value: u16| if value == 0 { f32::NAN } else { scale / (f32::from(value) - offset) };
        pixels.iter().flat_map(|&value| depth(value).to_le_bytes()).collect()
    };
    let step = data.len().checked_div(size[1] as usize).unwrap_or(0) as u32;
    let image = ImageView {
        header: message.header,
        height: size[1],
        width: size[0],
        encoding,
        is_bigendian: false,
        step,
        data: &data,
    };
    Ok(image.encode(out)?)
}

/// Width and height, and the pixels of a grey PNG with 16 bits.
fn sixteen_bits(bytes: &[u8]) -> Result<([u32; 2], Vec<u16>), CompressedDepthError> {
    let wrong = |reason: String| CompressedDepthError::Picture { reason };
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(|error| wrong(error.to_string()))?;
    let info = reader.info();
    let size = [info.width, info.height];
    if (info.color_type, info.bit_depth) != (png::ColorType::Grayscale, png::BitDepth::Sixteen) {
        return Err(wrong(format!("expected 16 bits of grey, found {:?} {:?}", info.color_type, info.bit_depth)));
    }
    if size.iter().any(|&pixels| pixels > WIDEST) {
        return Err(wrong(format!("expected at most {WIDEST} pixels a side, found {} x {}", size[0], size[1])));
    }
    let mut pixels = vec![0; 2 * size[0] as usize * size[1] as usize];
    reader.next_frame(&mut pixels).map_err(|error| wrong(error.to_string()))?;
    Ok((size, pixels.as_chunks().0.iter().map(|&two| u16::from_be_bytes(two)).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ros::{Header, Time};

    const STAMP: Header<'static> = Header { stamp: Time { sec: 7, nanosec: 8 }, frame_id: "camera_optical" };

    fn png(values: &[u16], width: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, values.len() as u32 / width);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Sixteen);
        let pixels: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("in memory");
        out
    }

    fn packed(format: &str, parameters: [f32; 2], png: &[u8]) -> Vec<u8> {
        let mut data = 0_i32.to_le_bytes().to_vec();
        data.extend(parameters.iter().flat_map(|value| value.to_le_bytes()));
        data.extend_from_slice(png);
        let mut out = Vec::new();
        CompressedImageView { header: STAMP, format, data: &data }.encode(&mut out).expect("short");
        out
    }

    #[test]
    fn millimetres_come_back_as_they_were() {
        let values = [0, 1, 500, 65_535, 1234, 256];
        for format in ["16UC1; compressedDepth", "16UC1; compressedDepth png"] {
            let mut out = Vec::new();
            unpack_depth(&packed(format, [0.0; 2], &png(&values, 3)), &mut out).expect("sound");
            let image = ImageView::decode(&out).expect("an image");
            assert_eq!((image.header, image.width, image.height), (STAMP, 3, 2));
            assert_eq!((image.encoding, image.step), ("16UC1", 6));
            let found: Vec<u16> = image.data.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
            assert_eq!(found, values);
        }
    }

    /// Quantised as the reference does: with its default parameters (10 m, 100).
    #[test]
    fn metres_come_back_as_exactly_as_they_were_quantised() {
        let (quantisation, farthest) = (100.0_f32, 10.0_f32);
        let scale = quantisation * (quantisation + 1.0);
        let offset = 1.0 - scale / farthest;
        let depths = [0.5_f32, 1.0, 2.5, 9.9];
        let values: Vec<u16> = depths.iter().map(|depth| (scale / depth + offset) as u16).chain([0]).collect();
        let mut out = Vec::new();
        let message = packed("32FC1; compressedDepth png", [scale, offset], &png(&values, 5));
        unpack_depth(&message, &mut out).expect("sound");
        let image = ImageView::decode(&out).expect("an image");
        let found: Vec<f32> =
            image.data.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        for (found, depth) in found.iter().zip(depths) {
            assert!((found - depth).abs() < depth * depth / scale + 1e-3, "{found} {depth}");
        }
        assert!(found[4].is_nan());
    }

    #[test]
    fn what_is_packed_otherwise_is_named() {
        let mut out = Vec::new();
        let sound = png(&[1, 2], 2);
        for (message, word) in [
            (packed("16UC1; compressedDepth rvl", [0.0; 2], &sound), "rvl"),
            (packed("rgb8; jpeg compressed bgr8", [0.0; 2], &sound), "jpeg"),
            (packed("16UC1; compressedDepth", [0.0; 2], &sound[..sound.len() / 2]), "compressed depth"),
            (packed("16UC1; compressedDepth", [0.0; 2], b"no picture"), "compressed depth"),
        ] {
            let said = unpack_depth(&message, &mut out).expect_err("not sound").to_string();
            assert!(said.contains(word), "{said}");
        }
        let mut short = Vec::new();
        CompressedImageView { header: STAMP, format: "16UC1; compressedDepth", data: &[1; 5] }
            .encode(&mut short)
            .expect("short");
        assert_eq!(unpack_depth(&short, &mut out), Err(CompressedDepthError::Short { found: 5 }));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_from_a_network_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..400_usize, at in 0..400_usize) {
            let mut message = packed("16UC1; compressedDepth png", [1.0, 2.0], &png(&[7; 64], 8));
            let _ = unpack_depth(&message[..cut.min(message.len())], &mut Vec::new());
            let at = at % message.len();
            bytes.truncate(message.len() - at);
            message[at..at + bytes.len()].copy_from_slice(&bytes);
            let _ = unpack_depth(&message, &mut Vec::new());
        }
    }
}
