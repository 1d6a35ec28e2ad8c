//! Labelled clouds as images.
//!
//! A cloud of points is drawn as the surface that it was measured from: every point becomes a soft
//! disc as large as the gap to its neighbours, near discs cover far ones, neighbouring discs melt
//! into each other, and depth is made visible by shading what lies behind an edge (eye-dome
//! lighting). Several panels (colour, class, instance, truth) share one camera and stand side by
//! side, each with its title, over a legend of the classes.
//!
//! Two viewpoints: from above into the room, with the ceiling lifted off and the near walls cut
//! down to a rim; and from the sensor itself. Both fit the cloud into the panel by themselves.
//!
//! ```
//! use instanton::picture::{Panel, View, instance_colour, render};
//!
//! let position: Vec<[f32; 3]> = (0..400).map(|i| [(i % 20) as f32 * 0.1, (i / 20) as f32 * 0.1, 0.0]).collect();
//! let colour: Vec<[u8; 3]> = (0..400).map(|i| instance_colour(1 + i / 200)).collect();
//! let panel = Panel { title: "instance", position: &position, colour: &colour };
//! let image = render(&[panel], &View { width: 320, ..View::overview() }, &[])?;
//! assert_eq!(image.width(), 320);
//! # Ok::<(), instanton::picture::PictureError>(())
//! ```

mod camera;
mod front;
mod layout;
mod palette;
mod raster;
mod save;
mod shade;
mod splat;
mod text;

pub use camera::{Ceiling, Viewpoint};
pub use layout::render;
pub use palette::{UNLABELLED_COLOUR, instance_colour};
pub use save::{load, save};

/// Rows of pixels, each red, green, blue.
pub type Image = imgref::ImgVec<[u8; 3]>;

/// One cloud in one colouring.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// What the colours mean; stands above the panel.
    pub title: &'a str,
    /// Points in metres. Points that are not finite are not drawn.
    pub position: &'a [[f32; 3]],
    /// Red, green, blue of each point.
    pub colour: &'a [[u8; 3]],
}

/// One entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendEntry {
    /// What the colour stands for.
    pub name: String,
    /// The colour.
    pub colour: [u8; 3],
}

/// How the panels are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Width of the whole picture in pixels, 64 to 8192.
    pub width: u32,
    /// Panels in a row; the rest go to further rows. 0 = all in one row.
    pub columns: usize,
    /// Where the camera is.
    pub viewpoint: Viewpoint,
    /// Colour behind the points.
    pub background: [u8; 3],
}

impl View {
    /// From above into the room; the frame must have z up.
    pub fn overview() -> Self {
        let viewpoint =
            Viewpoint::Overview { azimuth: -2.2, elevation: 0.85, ceiling: Ceiling::Automatic, open_front: true };
        Self { width: 2000, columns: 0, viewpoint, background: [255, 255, 255] }
    }

    /// From the sensor, for clouds in a camera's optical frame (z forward, y down).
    pub fn from_optical_frame() -> Self {
        let viewpoint = Viewpoint::Sensor { eye: [0.0; 3], forward: [0.0, 0.0, 1.0], up: [0.0, -1.0, 0.0] };
        Self { viewpoint, ..Self::overview() }
    }

    /// From the sensor, for clouds in a body frame (x forward, z up; REP 103).
    pub fn from_body_frame() -> Self {
        let viewpoint = Viewpoint::Sensor { eye: [0.0; 3], forward: [1.0, 0.0, 0.0], up: [0.0, 0.0, 1.0] };
        Self { viewpoint, ..Self::overview() }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// No panel at all.
    #[error("a picture needs at least one panel")]
    NoPanel,
    /// A panel whose columns do not fit.
    #[error("panel `{title}`: expected {points} colours, one per point, but there are {colours}")]
    ColourLength {
        /// Title of the panel.
        title: String,
        /// Points in it.
        points: usize,
        /// Colours in it.
        colours: usize,
    },
    /// A width that no picture has.
    #[error(
        "expected a width of {} to {} pixels for {panels} panels, but got {width}",
        layout::MINIMUM_WIDTH,
        layout::MAXIMUM_WIDTH
    )]
    Width {
        /// The width.
        width: u32,
        /// Panels in a row.
        panels: usize,
    },
    /// The file could not be written; what was there before is untouched.
    #[error("cannot write the picture {path}: {source}")]
    Write {
        /// Where it should have gone.
        path: std::path::PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("cannot read the picture {path}: {reason}")]
    Read {
        /// Where it is.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The image could not be encoded.
    #[error("cannot encode the picture: {0}")]
    Encode(#[from] png::EncodingError),
}
