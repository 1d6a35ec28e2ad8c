//! The latency plot: for every stage its histogram and its distribution, on one time axis.
//!
//! The time axis is logarithmic and the same for all, so that stages can be held against each other. The
//! distribution's axis is stretched towards 100 % as tails need it: 90, 99 and 99.9 % are as far from
//! each other as 0 and 90 %. A PNG is the SVG, rasterised.
//!
//! Drawing is left out of a build without the cargo feature `plots`: fonts and vector graphics are much to compile for
//! a robot that shows nothing.

#[cfg(feature = "plots")]
mod draw;
#[cfg(feature = "plots")]
mod raster;

use std::path::{Path, PathBuf};

use super::report::BenchReport;
use crate::picture::PictureError;

/// Why there is no plot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The name does not say what to draw.
    #[error("{}: expected a name that ends in .svg or .png", path.display())]
    Ending {
        /// The name.
        path: PathBuf,
    },
    /// This program cannot draw.
    #[error("this program was built without plots (cargo feature `plots`)")]
    Absent,
    /// There is no frame to draw.
    #[error("nothing to plot: no frame was served")]
    Empty,
    /// It could not be drawn.
    #[error("drawing the plot: {0}")]
    Draw(String),
    /// It could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The PNG could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// What a plot is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotFormat {
    /// Lines and letters.
    Svg,
    /// Pixels.
    Png,
}

impl PlotFormat {
    /// By the name's ending.
    ///
    /// # Errors
    /// [`PlotError::Ending`] where it is another, [`PlotError::Absent`] where nothing can be drawn.
    pub fn of(path: &Path) -> Result<Self, PlotError> {
        if cfg!(not(feature = "plots")) {
            return Err(PlotError::Absent);
        }
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(PlotError::Ending { path: path.to_owned() }),
        }
    }
}

/// Draws a report into `path`, whole or not at all.
///
/// # Errors
/// [`PlotError`].
#[cfg(feature = "plots")]
pub fn plot(report: &BenchReport, path: &Path) -> Result<(), PlotError> {
    let format = PlotFormat::of(path)?;
    // A stage that never took a microsecond (nothing is decoded from a simulated drive) has no picture.
    let is_shown = |series: &&super::series::Series| !series.is_empty() && series.max > 0.0;
    let shown: Vec<_> = report.stages.iter().filter(is_shown).collect();
    if shown.is_empty() {
        return Err(PlotError::Empty);
    }
    let text = draw::svg(report, &shown)?;
    match format {
        PlotFormat::Svg => crate::whole_file::WholeFile::write_all_of(path, text.as_bytes())
            .map_err(|source| PlotError::Write { path: path.to_owned(), source }),
        PlotFormat::Png => Ok(crate::picture::save(path, &raster::pixels(&text)?)?),
    }
}

/// Says that nothing can be drawn.
///
/// # Errors
/// [`PlotError::Absent`].
#[cfg(not(feature = "plots"))]
pub fn plot(_: &BenchReport, _: &Path) -> Result<(), PlotError> {
    Err(PlotError::Absent)
}
