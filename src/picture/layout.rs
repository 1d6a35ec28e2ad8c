//! Panels, titles and legend on one sheet.

use rayon::prelude::*;

use super::camera::Camera;
use super::splat::{Splat, radii};
use super::{Image, LegendEntry, Panel, PictureError, View, raster, shade, text};

pub(super) const MINIMUM_WIDTH: u32 = 64;
pub(super) const MAXIMUM_WIDTH: u32 = 8192;

/// Raster pixels per picture pixel, along each axis: edges are smoothed by averaging.
const SUPERSAMPLING: usize = 2;
/// Most points that are drawn in a panel; larger clouds are thinned evenly.
const MAXIMUM_POINTS: usize = 4_000_000;

/// Sizes of everything around the panels, in pixels.
struct Sheet {
    margin: u32,
    title: f32,
    title_height: u32,
    legend: f32,
    panel_width: u32,
    columns: u32,
}

impl Sheet {
    fn new(width: u32, columns: usize) -> Self {
        let columns = columns as u32;
        let margin = (width / 100).clamp(4, 24);
        let panel_width = (width - margin * (columns + 1)) / columns;
        let title = (width as f32 / 100.0).clamp(9.0, 26.0).min(panel_width as f32 / 9.0);
        let legend = (width as f32 / 112.0).clamp(8.0, 22.0);
        Self { margin, title, title_height: (title * 2.0) as u32, legend, panel_width, columns }
    }

    fn corner(&self, number: u32, panel_height: u32) -> (u32, u32) {
        let (column, row) = (number % self.columns, number / self.columns);
        (self.margin + column * (self.panel_width + self.margin), self.margin / 2 + row * self.row_height(panel_height))
    }

    fn row_height(&self, panel_height: u32) -> u32 {
        self.title_height + panel_height + self.margin
    }
}

/// Draws panels side by side with one camera, each under its title, and a legend beneath.
///
/// The height follows from the shape of what is seen. A panel without a single visible point stays
/// empty.
///
/// # Errors
/// No panel; a panel whose colours do not fit its points; a width outside 64..=8192 or too small
/// for the number of columns.
pub fn render(panels: &[Panel], view: &View, legend: &[LegendEntry]) -> Result<Image, PictureError> {
    let columns = match view.columns {
        0 => panels.len(),
        columns => columns.min(panels.len()),
    };
    if panels.is_empty() {
        return Err(PictureError::NoPanel);
    }
    if !(MINIMUM_WIDTH..=MAXIMUM_WIDTH).contains(&view.width) || (view.width as usize) < columns * 48 {
        return Err(PictureError::Width { width: view.width, panels: columns });
    }
    if let Some(panel) = panels.iter().find(|panel| panel.position.len() != panel.colour.len()) {
        let (points, colours) = (panel.position.len(), panel.colour.len());
        return Err(PictureError::ColourLength { title: panel.title.to_string(), points, colours });
    }

    let sheet = Sheet::new(view.width, columns);
    let positions = || panels.iter().map(|panel| panel.position);
    let camera = Camera::place(&view.viewpoint, positions());
    let frame = camera.as_ref().map_or([-0.5, -0.5, 0.5, 0.5], |camera| camera.frame(positions()));
    let shape = (frame[3] - frame[1]) / (frame[2] - frame[0]);
    let panel_height = (sheet.panel_width as f32 * shape.clamp(0.4, 1.25)).round() as u32;

    let rows = panels.len().div_ceil(columns) as u32;
    let legend_rows = legend_rows(legend, &sheet, view.width);
    let legend_height =
        if legend.is_empty() { 0 } else { (legend_rows.len() as f32 * sheet.legend * 2.0) as u32 + sheet.margin };
    let height = sheet.margin / 2 + rows * sheet.row_height(panel_height) + legend_height;
    let mut image =
        Image::new(vec![view.background; view.width as usize * height as usize], view.width as usize, height as usize);
    let ink = if luminance(view.background) > 128.0 { [38, 40, 46] } else { [232, 234, 238] };

    let drawn: Vec<Vec<[f32; 3]>> = panels
        .par_iter()
        .map(|panel| draw(panel, camera.as_ref(), frame, view, sheet.panel_width as usize, panel_height as usize))
        .collect();
    for (number, (panel, pixels)) in panels.iter().zip(&drawn).enumerate() {
        let (left, top) = sheet.corner(number as u32, panel_height);
        let title_left = left as f32 + 0.5 * (sheet.panel_width as f32 - text::width(panel.title, sheet.title));
        text::write(
            &mut image,
            panel.title,
            title_left.max(left as f32),
            top as f32 + 0.4 * sheet.title,
            sheet.title,
            ink,
        );
        for (pixel, colour) in pixels.iter().enumerate() {
            let (x, y) = (pixel as u32 % sheet.panel_width, pixel as u32 / sheet.panel_width);
            image[(left + x, top + sheet.title_height + y)] =
                colour.map(|channel| channel.round().clamp(0.0, 255.0) as u8);
        }
    }
    let top = (height - legend_height) as f32;
    for (row, entries) in legend_rows.iter().enumerate() {
        write_legend(&mut image, entries, &sheet, top + row as f32 * sheet.legend * 2.0, ink);
    }
    Ok(image)
}

/// One panel's pixels.
fn draw(
    panel: &Panel,
    camera: Option<&Camera>,
    frame: [f32; 4],
    view: &View,
    width: usize,
    height: usize,
) -> Vec<[f32; 3]> {
    let Some(camera) = camera else { return vec![view.background.map(f32::from); width * height] };
    let (wide, high) = (width * SUPERSAMPLING, height * SUPERSAMPLING);
    let focal = (wide as f32 / (frame[2] - frame[0])).min(high as f32 / (frame[3] - frame[1]));
    let middle = [0.5 * (frame[0] + frame[2]), 0.5 * (frame[1] + frame[3])];

    let step = panel.position.len().div_ceil(MAXIMUM_POINTS).max(1);
    let seen: Vec<([f32; 3], [f32; 3], [u8; 3])> = panel
        .position
        .iter()
        .zip(panel.colour)
        .step_by(step)
        .filter_map(|(point, &colour)| camera.project(point).map(|place| (*point, place, colour)))
        .collect();
    let positions: Vec<[f32; 3]> = seen.iter().map(|(point, ..)| *point).collect();
    let splats: Vec<Splat> = seen
        .iter()
        .zip(radii(&positions))
        .map(|(&(_, [x, y, depth], colour), radius)| Splat {
            place: [(x - middle[0]) * focal + 0.5 * wide as f32, (y - middle[1]) * focal + 0.5 * high as f32],
            depth,
            radius,
            colour,
        })
        .collect();
    let raster = raster::draw(&splats, focal, wide, high);
    let shaded = shade::shade(&raster, view.background, SUPERSAMPLING as f32, |depth| camera.noise(depth));
    average(&shaded, width, height)
}

/// Mean of each square of raster pixels.
fn average(pixels: &[[f32; 3]], width: usize, height: usize) -> Vec<[f32; 3]> {
    let wide = width * SUPERSAMPLING;
    let share = 1.0 / (SUPERSAMPLING * SUPERSAMPLING) as f32;
    (0..width * height)
        .map(|pixel| {
            let start = (pixel / width) * SUPERSAMPLING * wide + (pixel % width) * SUPERSAMPLING;
            let mut mean = [0.0; 3];
            for row in 0..SUPERSAMPLING {
                for colour in &pixels[start + row * wide..start + row * wide + SUPERSAMPLING] {
                    mean.iter_mut().zip(colour).for_each(|(sum, channel)| *sum += share * channel);
                }
            }
            mean
        })
        .collect()
}

/// Entries of each row of the legend with their left edges, rows centred.
fn legend_rows<'a>(legend: &'a [LegendEntry], sheet: &Sheet, width: u32) -> Vec<Vec<(f32, &'a LegendEntry)>> {
    let length = |entry: &LegendEntry| sheet.legend * 3.2 + text::width(&entry.name, sheet.legend);
    let room = (width - 2 * sheet.margin) as f32;
    // As few rows as possible, and those equally full.
    let total: f32 = legend.iter().map(length).sum();
    let fair = total / (total / room).ceil().max(1.0) + 6.0 * sheet.legend;
    let mut rows: Vec<(f32, Vec<(f32, &LegendEntry)>)> = Vec::new();
    for entry in legend {
        match rows.last_mut() {
            Some((used, row)) if *used + length(entry) <= room.min(fair) => {
                row.push((*used, entry));
                *used += length(entry);
            }
            _ => rows.push((length(entry), vec![(0.0, entry)])),
        }
    }
    rows.into_iter()
        .map(|(used, row)| {
            let left = (sheet.margin as f32 + 0.5 * (room - used + 1.4 * sheet.legend)).max(sheet.margin as f32);
            row.into_iter().map(|(at, entry)| (left + at, entry)).collect()
        })
        .collect()
}

fn write_legend(image: &mut Image, row: &[(f32, &LegendEntry)], sheet: &Sheet, top: f32, ink: [u8; 3]) {
    let size = sheet.legend;
    for (left, entry) in row {
        let (centre_x, centre_y, radius) = (left + 0.5 * size, top + 0.5 * size, 0.52 * size);
        for y in (centre_y - radius) as i64..=(centre_y + radius) as i64 + 1 {
            for x in (centre_x - radius) as i64..=(centre_x + radius) as i64 + 1 {
                let (dx, dy) = (x as f32 + 0.5 - centre_x, y as f32 + 0.5 - centre_y);
                let inside = radius + 0.5 - (dx * dx + dy * dy).sqrt();
                text::blend(image, x, y, entry.colour, inside.clamp(0.0, 1.0));
            }
        }
        text::write(image, &entry.name, left + 1.55 * size, top + 0.04 * size, size, ink);
    }
}

fn luminance([red, green, blue]: [u8; 3]) -> f32 {
    0.2126 * f32::from(red) + 0.7152 * f32::from(green) + 0.0722 * f32::from(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(width: u32) -> View {
        View { width, ..View::overview() }
    }

    #[test]
    fn every_panel_shows_its_own_colours() {
        let position: Vec<[f32; 3]> =
            (0..2500).map(|i| [(i % 50) as f32 * 0.05, (i / 50) as f32 * 0.05, 0.0]).collect();
        let (red, green) = (vec![[250, 0, 0]; 2500], vec![[0, 250, 0]; 2500]);
        let panels = [
            Panel { title: "a", position: &position, colour: &red },
            Panel { title: "b", position: &position, colour: &green },
        ];
        let legend = [LegendEntry { name: "blue".into(), colour: [0, 0, 250] }];
        let image = render(&panels, &view(400), &legend).unwrap();
        let count = |colour: [u8; 3], range: std::ops::Range<usize>| {
            let columns = image.rows().map(|row| row[range.clone()].iter().filter(|&&pixel| pixel == colour).count());
            columns.sum::<usize>()
        };
        assert!(count([250, 0, 0], 0..200) > 5000 && count([250, 0, 0], 200..400) == 0);
        assert!(count([0, 250, 0], 200..400) > 5000 && count([0, 250, 0], 0..200) == 0);
        assert!(count([0, 0, 250], 0..400) > 20, "the legend");
        assert_eq!(image, render(&panels, &view(400), &legend).unwrap(), "same input, same picture");
    }

    #[test]
    fn bad_input_is_refused_or_empty() {
        assert!(matches!(render(&[], &view(400), &[]), Err(PictureError::NoPanel)));
        let short = Panel { title: "t", position: &[[0.0; 3]; 2], colour: &[[0; 3]] };
        assert!(matches!(render(&[short], &view(400), &[]), Err(PictureError::ColourLength { .. })));
        let empty = Panel { title: "t", position: &[], colour: &[] };
        assert!(matches!(render(&[empty], &view(10), &[]), Err(PictureError::Width { .. })));
        assert!(matches!(render(&[empty; 9], &view(400), &[]), Err(PictureError::Width { .. })));
        let odd: [&[[f32; 3]]; 5] = [
            &[],
            &[[f32::NAN; 3]; 4],
            &[[1.0; 3]; 4],
            &[[1.0e30, 0.0, 0.0], [-1.0e30, 1.0, 2.0]],
            &[[0.0; 3], [f32::INFINITY; 3]],
        ];
        for position in odd {
            let colour = vec![[1, 2, 3]; position.len()];
            for viewpoint in [View::overview(), View::from_optical_frame(), View::from_body_frame()] {
                let view = View { width: 100, ..viewpoint };
                render(&[Panel { title: "odd", position, colour: &colour }], &view, &[]).unwrap();
            }
        }
    }

    #[test]
    fn a_long_legend_takes_rows_and_a_grid_takes_columns() {
        let legend: Vec<LegendEntry> =
            (0..40).map(|i| LegendEntry { name: format!("class number {i}"), colour: [0; 3] }).collect();
        let panel = Panel { title: "t", position: &[[0.0; 3], [1.0, 1.0, 0.0]], colour: &[[0; 3]; 2] };
        let one = render(&[panel], &view(400), &legend[..1]).unwrap();
        let many = render(&[panel], &view(400), &legend).unwrap();
        assert!(many.height() > one.height() + 100);
        let row = render(&[panel; 4], &view(400), &[]).unwrap();
        let square = render(&[panel; 4], &View { columns: 2, ..view(400) }, &[]).unwrap();
        assert!(square.height() > row.height());
    }
}
