//! Depth image → [`Cloud`], in the camera's optical frame (x right, y down, z forward).
//!
//! Each pixel sees along a ray that depends on the intrinsics alone; the rays are worked out once
//! and kept until a different `CameraInfo` comes. Point order is row-major pixels; pixels without
//! depth are NaN points in their place.

use super::Cloud;
use super::lens::{Lens, LensError};
use crate::ros::{CameraInfo, ImageView};

/// Why a depth image is no cloud.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DepthError {
    /// An encoding that is not understood.
    #[error("{image} image: expected encoding {expected}, found {actual:?}")]
    Encoding {
        /// `depth` or `colour`.
        image: &'static str,
        /// Encodings that are.
        expected: &'static str,
        /// The one that came.
        actual: String,
    },
    /// Rows overlap.
    #[error("{image} image: step is {step}, {width} pixels need at least {needed} bytes")]
    Step {
        /// `depth` or `colour`.
        image: &'static str,
        /// Bytes from row to row, as the message claims.
        step: u32,
        /// Pixels per row.
        width: u32,
        /// Bytes that a row needs.
        needed: u64,
    },
    /// Fewer bytes than the size needs.
    #[error("{image} image: data holds {actual} bytes, {height} rows of {width} pixels need {needed}")]
    DataLength {
        /// `depth` or `colour`.
        image: &'static str,
        /// Bytes that came.
        actual: usize,
        /// Rows.
        height: u32,
        /// Pixels per row.
        width: u32,
        /// Bytes needed.
        needed: u64,
    },
    /// Two sizes that must agree do not.
    #[error("{what} is {}×{}, the depth image {}×{}", actual[0], actual[1], expected[0], expected[1])]
    Size {
        /// Whose size.
        what: &'static str,
        /// Width and height of the depth image.
        expected: [u32; 2],
        /// Width and height that came.
        actual: [u32; 2],
    },
    /// A focal length or principal point that no camera has.
    #[error("CameraInfo {what} is {value}, expected {expected}")]
    Intrinsics {
        /// Which number.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        value: f64,
    },
    /// The distortion model.
    #[error(transparent)]
    Lens(#[from] LensError),
}

/// Which of the two images a `CameraInfo` describes is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageGeometry {
    /// As the sensor saw it (`image_raw`): camera matrix K and the distortion.
    #[default]
    Raw,
    /// Rectified (`image_rect`): projection matrix P, no distortion.
    Rectified,
}

impl ImageGeometry {
    /// By the last part of a topic's name, as image pipelines choose it.
    pub fn of_topic(name: &str) -> Self {
        let last = name.rsplit('/').next().unwrap_or(name);
        if last.contains("rect") { Self::Rectified } else { Self::Raw }
    }
}

/// Everything that the rays depend on.
#[derive(Clone, Debug, PartialEq)]
struct Optics {
    size: [u32; 2],
    focal: [f64; 2],
    centre: [f64; 2],
    lens: Lens,
}

/// Turns depth images into clouds; keeps the rays of the last camera.
#[derive(Clone, Debug, Default)]
pub struct DepthProjector {
    optics: Option<Optics>,
    /// x and y of each pixel's ray at z = 1, row-major; NaN where the lens model has none.
    rays: Vec<[f32; 2]>,
    tables_built: u64,
}

impl DepthProjector {
    /// Without rays yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often the rays were worked out: once per camera and setting, if all is well.
    pub fn tables_built(&self) -> u64 {
        self.tables_built
    }

    /// Fills `cloud` with one point per pixel; its buffers are reused.
    ///
    /// Depth is the distance along the optical axis: `16UC1` (or `mono16`) in millimetres, 0 = none;
    /// `32FC1` in metres, anything not above 0 or not finite = none. `colour`, if given, must be
    /// registered to the depth image: same camera, same size; `rgb8`, `bgr8`, `rgba8`, `bgra8` or
    /// `mono8`. Binning and the region of interest of the `CameraInfo` are honoured (as
    /// `image_geometry` does: intrinsics are those of the full sensor). Skew is ignored, as in OpenCV.
    ///
    /// # Errors
    /// [`DepthError`]; `cloud` is then unchanged.
    pub fn project(
        &mut self,
        depth: &ImageView<'_>,
        camera: &CameraInfo<'_>,
        geometry: ImageGeometry,
        colour: Option<&ImageView<'_>>,
        cloud: &mut Cloud,
    ) -> Result<(), DepthError> {
        let format = DepthFormat::of(depth)?;
        let pixel_bytes = if format == DepthFormat::Metres { 4 } else { 2 };
        check_extent("depth", depth, pixel_bytes)?;
        let picture = colour.map(|colour| checked_colour(colour, depth).map(|format| (colour, format))).transpose()?;
        let optics = optics(depth, camera, geometry)?;
        if self.optics.as_ref() != Some(&optics) {
            self.build(optics);
        }

        cloud.position.clear();
        let rows = rows(depth, pixel_bytes).zip(self.rays.chunks_exact((depth.width as usize).max(1)));
        for (row, rays) in rows {
            match (format, depth.is_bigendian) {
                (DepthFormat::Millimetres, big_endian) => {
                    fill(row, rays, cloud, |bytes| millimetres(bytes, big_endian));
                }
                (DepthFormat::Metres, big_endian) => fill(row, rays, cloud, |bytes| metres(bytes, big_endian)),
            }
        }
        cloud.colour = picture.map(|(image, format)| {
            let mut column = cloud.colour.take().unwrap_or_default();
            column.clear();
            for row in self::rows(image, format.bytes) {
                column
                    .extend(row.chunks_exact(format.bytes).map(|pixel| format.channels.map(|channel| pixel[channel])));
            }
            column
        });
        Ok(())
    }

    fn build(&mut self, optics: Optics) {
        self.rays.clear();
        // Bounded: the caller has shown that the image has bytes for each pixel.
        self.rays.reserve_exact(optics.size[0] as usize * optics.size[1] as usize);
        for row in 0..optics.size[1] {
            for column in 0..optics.size[0] {
                let x = (f64::from(column) - optics.centre[0]) / optics.focal[0];
                let y = (f64::from(row) - optics.centre[1]) / optics.focal[1];
                let ray = optics.lens.undistort([x, y]).unwrap_or([f64::NAN; 2]);
                self.rays.push(ray.map(|value| value as f32));
            }
        }
        self.tables_built += 1;
        self.optics = Some(optics);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DepthFormat {
    Millimetres,
    Metres,
}

impl DepthFormat {
    fn of(depth: &ImageView<'_>) -> Result<Self, DepthError> {
        match depth.encoding {
            "16UC1" | "mono16" => Ok(Self::Millimetres),
            "32FC1" => Ok(Self::Metres),
            other => {
                Err(DepthError::Encoding { image: "depth", expected: "16UC1, mono16 or 32FC1", actual: other.into() })
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct ColourFormat {
    bytes: usize,
    /// Where red, green and blue are in a pixel.
    channels: [usize; 3],
}

fn checked_colour(colour: &ImageView<'_>, depth: &ImageView<'_>) -> Result<ColourFormat, DepthError> {
    let (bytes, channels) = match colour.encoding {
        "rgb8" => (3, [0, 1, 2]),
        "bgr8" => (3, [2, 1, 0]),
        "rgba8" => (4, [0, 1, 2]),
        "bgra8" => (4, [2, 1, 0]),
        "mono8" => (1, [0, 0, 0]),
        other => {
            let expected = "rgb8, bgr8, rgba8, bgra8 or mono8";
            return Err(DepthError::Encoding { image: "colour", expected, actual: other.into() });
        }
    };
    let (expected, actual) = ([depth.width, depth.height], [colour.width, colour.height]);
    if expected != actual {
        return Err(DepthError::Size { what: "the colour image", expected, actual });
    }
    check_extent("colour", colour, bytes)?;
    Ok(ColourFormat { bytes, channels })
}

fn check_extent(image: &'static str, view: &ImageView<'_>, pixel_bytes: usize) -> Result<(), DepthError> {
    let (width, height) = (u64::from(view.width), u64::from(view.height));
    let row = width * pixel_bytes as u64;
    if u64::from(view.step) < row {
        return Err(DepthError::Step { image, step: view.step, width: view.width, needed: row });
    }
    let needed = if width == 0 || height == 0 { 0 } else { (height - 1) * u64::from(view.step) + row };
    if needed > view.data.len() as u64 {
        return Err(DepthError::DataLength {
            image,
            actual: view.data.len(),
            height: view.height,
            width: view.width,
            needed,
        });
    }
    Ok(())
}

/// Rows of an image whose extent has been checked, without padding.
fn rows<'d>(image: &ImageView<'d>, pixel_bytes: usize) -> impl Iterator<Item = &'d [u8]> + use<'d> {
    let (step, bytes, data) = (image.step as usize, image.width as usize * pixel_bytes, image.data);
    let count = if bytes == 0 { 0 } else { image.height as usize };
    (0..count).map(move |row| &data[row * step..][..bytes])
}

#[inline]
fn fill<const N: usize>(row: &[u8], rays: &[[f32; 2]], cloud: &mut Cloud, depth: impl Fn([u8; N]) -> f32) {
    let (pixels, _) = row.as_chunks::<N>();
    cloud.position.extend(pixels.iter().zip(rays).map(|(pixel, [x, y])| {
        let z = depth(*pixel);
        let position = [x * z, y * z, z];
        // A ray that does not exist makes the whole point invalid, depth included.
        if position[0].is_nan() { [f32::NAN; 3] } else { position }
    }));
}

#[inline]
fn millimetres(bytes: [u8; 2], big_endian: bool) -> f32 {
    let value = if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    if value == 0 { f32::NAN } else { f32::from(value) / 1000.0 }
}

#[inline]
fn metres(bytes: [u8; 4], big_endian: bool) -> f32 {
    let value = if big_endian { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) };
    if value > 0.0 && value < f32::INFINITY { value } else { f32::NAN }
}

/// Checks the intrinsics and brings them to the pixels of the image: sensor pixel = offset of the
/// region + binning × image pixel.
fn optics(depth: &ImageView<'_>, camera: &CameraInfo<'_>, geometry: ImageGeometry) -> Result<Optics, DepthError> {
    let binning = [camera.binning_x.max(1), camera.binning_y.max(1)];
    let whole = |part: u32, full: u32| if part == 0 { full } else { part };
    let shown = [whole(camera.roi.width, camera.width), whole(camera.roi.height, camera.height)];
    let size = [depth.width, depth.height];
    let described = [shown[0] / binning[0], shown[1] / binning[1]];
    if described != size {
        return Err(DepthError::Size {
            what: "CameraInfo (after region and binning)",
            expected: size,
            actual: described,
        });
    }
    let ([fx, fy, cx, cy], lens) = match geometry {
        ImageGeometry::Raw => {
            let k = &camera.k;
            ([k[0], k[4], k[2], k[5]], Lens::new(camera.distortion_model, camera.d.as_slice())?)
        }
        ImageGeometry::Rectified => ([camera.p[0], camera.p[5], camera.p[2], camera.p[6]], Lens::Ideal),
    };
    for (what, value) in [("focal length fx", fx), ("focal length fy", fy)] {
        if !(value.is_finite() && value > 0.0) {
            return Err(DepthError::Intrinsics { what, expected: "above 0", value });
        }
    }
    for (what, value) in [("principal point cx", cx), ("principal point cy", cy)] {
        if !value.is_finite() {
            return Err(DepthError::Intrinsics { what, expected: "a finite number", value });
        }
    }
    let bin = binning.map(f64::from);
    let offset = [f64::from(camera.roi.x_offset), f64::from(camera.roi.y_offset)];
    Ok(Optics {
        size,
        focal: [fx / bin[0], fy / bin[1]],
        centre: [(cx - offset[0]) / bin[0], (cy - offset[1]) / bin[1]],
        lens,
    })
}

#[cfg(test)]
mod tests;
