//! The SVG as pixels.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::PlotError;
use super::draw::FONT;
use crate::picture::Image;

/// Pixels to a unit of the SVG.
const SCALE: f32 = 1.5;

/// Draws an SVG, with the letters that this program brings along.
pub(super) fn pixels(svg: &str) -> Result<Image, PlotError> {
    let failed = |what: &dyn std::fmt::Display| PlotError::Draw(what.to_string());
    let mut options = usvg::Options { font_family: FONT.to_owned(), ..usvg::Options::default() };
    for face in [dejavu::sans::regular(), dejavu::sans::bold()] {
        options.fontdb_mut().load_font_data(face.to_vec());
    }
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed(&"no size"))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed(&"no room for the pixels"))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    // The background is painted, so that no pixel is transparent.
    let colours = pixels.data().as_chunks::<4>().0.iter().map(|&[red, green, blue, _]| [red, green, blue]).collect();
    Ok(Image::new(colours, size.width() as usize, size.height() as usize))
}
