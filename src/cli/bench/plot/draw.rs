//! The plot as an SVG.

use std::sync::Once;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::coord::{cartesian::Cartesian2d, combinators::LogCoord};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::IntoLogRange;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, TextStyle, WHITE, register_font};

use super::PlotError;
use crate::cli::bench::report::BenchReport;
use crate::cli::bench::series::Series;

const WIDTH: u32 = 1280;
const HEADER: u32 = 116;
const ROW: u32 = 128;
const FOOTER: u32 = 36;
/// Width of the figures beside a stage's panels.
const FIGURES: u32 = 118;
/// Bars of a histogram, over the whole time axis.
const BARS: usize = 120;
/// Shortest time that is drawn (ms): below, the clock itself is felt.
const SHORTEST: f64 = 0.005;

pub(super) const FONT: &str = "DejaVu Sans";
const INK: RGBColor = RGBColor(40, 44, 52);
const FAINT: RGBColor = RGBColor(222, 225, 230);
const MUTED: RGBColor = RGBColor(110, 116, 126);
const STAGE: RGBColor = RGBColor(46, 111, 178);
const WHOLE: RGBColor = RGBColor(31, 136, 92);
const DEADLINE: RGBColor = RGBColor(200, 45, 45);

/// Draws the stages of a report.
pub(super) fn svg(report: &BenchReport, shown: &[&Series]) -> Result<String, PlotError> {
    letters();
    let mut text = String::new();
    let size = (WIDTH, HEADER + ROW * shown.len() as u32 + FOOTER);
    draw(&SVGBackend::with_string(&mut text, size).into_drawing_area(), report, shown)?;
    Ok(text)
}

/// A robot has no fonts installed: ours are in the program.
fn letters() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let faces = [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        for (style, bytes) in faces {
            if register_font(FONT, style, bytes).is_err() {
                log::warn!("the plot's font cannot be read");
            }
        }
    });
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Draw(error.to_string())
    }
}

fn text(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour)
}

fn bold(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().style(FontStyle::Bold).color(&colour)
}

type Area<D> = DrawingArea<D, Shift>;
type Panel<'a, D, Y> = ChartContext<'a, D, Cartesian2d<LogCoord<f64>, Y>>;

fn draw<D: DrawingBackend>(area: &Area<D>, report: &BenchReport, shown: &[&Series]) -> Result<(), PlotError> {
    area.fill(&WHITE)?;
    header(area, report)?;
    let (_, body) = area.split_vertically(HEADER);
    let (body, footer) = body.split_vertically(ROW * shown.len() as u32);
    let longest = shown.iter().map(|series| series.max).fold(0.0, f64::max);
    let shortest = shown.iter().filter_map(|series| series.counts().first().copied());
    let shortest = shortest.map(|(duration, _)| f64::from(duration) / 1e3).fold(longest, f64::min);
    let axis = (
        (shortest * 0.8).max(SHORTEST).min(longest / 2.0),
        longest.max(report.setting.deadline_ms.unwrap_or(0.0)) * 1.25,
    );
    for (series, row) in shown.iter().zip(body.split_evenly((shown.len(), 1))) {
        let (name, panels) = row.split_horizontally(FIGURES);
        caption(&name, series)?;
        let (left, right) = panels.split_horizontally((WIDTH - FIGURES) / 2);
        let colour = if ["frame", "age"].contains(&series.stage.as_str()) { WHOLE } else { STAGE };
        histogram(&left, series, axis, colour, report.setting.deadline_ms)?;
        distribution(&right, series, axis, colour, report.setting.deadline_ms)?;
    }
    let words = "Milliseconds a frame, logarithmic. Stages are summed over threads; frame is from start to labels, age from \
                 arrival to output.";
    footer.draw(&Text::new(words, (FIGURES as i32 + 46, 10), text(14.0, MUTED)))?;
    area.present()?;
    Ok(())
}

fn header<D: DrawingBackend>(area: &Area<D>, report: &BenchReport) -> Result<(), PlotError> {
    let title = format!("{}, {}", report.model, report.setting);
    area.draw(&Text::new(title, (16, 14), bold(21.0, INK)))?;
    let tally = &report.tally;
    let mut counts = format!("{} frames served, {} replaced by a newer one", tally.served, tally.dropped);
    if report.setting.deadline_ms.is_some() {
        counts += &format!(", {} after the deadline", tally.misses);
    }
    area.draw(&Text::new(counts, (16, 42), text(16.0, INK)))?;
    area.draw(&Text::new(cut(&report.machine.to_string(), 150), (16, 64), text(14.0, MUTED)))?;
    let half = ((WIDTH - FIGURES) / 2) as i32;
    let (left, right) = (FIGURES as i32 + 46, FIGURES as i32 + half + 60);
    area.draw(&Text::new("frames", (left, 98), bold(14.0, MUTED)))?;
    area.draw(&Text::new("share of the frames that took no longer", (right, 98), bold(14.0, MUTED)))?;
    if let Some(deadline) = report.setting.deadline_ms {
        let words = format!("| deadline {deadline} ms");
        for end in [FIGURES as i32 + half - 14, WIDTH as i32 - 24] {
            let style = bold(14.0, DEADLINE).pos(Pos::new(HPos::Right, VPos::Top));
            area.draw(&Text::new(words.clone(), (end, 98), style))?;
        }
    }
    Ok(())
}

/// Text that fits in a line.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn caption<D: DrawingBackend>(area: &Area<D>, series: &Series) -> Result<(), PlotError> {
    area.draw(&Text::new(series.stage.clone(), (16, 12), bold(18.0, INK)))?;
    let figures = [("p50", series.p50), ("p99", series.p99), ("p99.9", series.p999), ("max", series.max)];
    for (line, (name, value)) in figures.into_iter().enumerate() {
        let y = 40 + 18 * line as i32;
        area.draw(&Text::new(name, (16, y), text(14.0, MUTED)))?;
        area.draw(&Text::new(milliseconds(value), (60, y), text(14.0, INK)))?;
    }
    Ok(())
}

/// In as many digits as are worth reading.
fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn histogram<D: DrawingBackend>(
    area: &Area<D>,
    series: &Series,
    (low, high): (f64, f64),
    colour: RGBColor,
    deadline: Option<f64>,
) -> Result<(), PlotError> {
    let step = (high / low).ln() / BARS as f64;
    let mut bars = [0_u64; BARS];
    for (duration, count) in series.counts() {
        let bar = ((f64::from(duration) / 1e3).max(low) / low).ln() / step;
        bars[(bar as usize).min(BARS - 1)] += u64::from(count);
    }
    let highest = bars.iter().copied().max().unwrap_or_default().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(14)
        .x_label_area_size(20)
        .y_label_area_size(46)
        .build_cartesian_2d((low..high).log_scale(), 0.0..highest * 1.06)?;
    chart
        .configure_mesh()
        .x_labels(12)
        .y_labels(4)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|count| format!("{count:.0}"))
        .label_style(text(13.0, MUTED))
        .axis_style(FAINT)
        .bold_line_style(FAINT)
        .light_line_style(FAINT.mix(0.0))
        .draw()?;
    let edge = |bar: usize| low * (bar as f64 * step).exp();
    let filled = bars.iter().enumerate().filter(|(_, count)| **count > 0);
    // A single frame among thousands is what one looks for: it gets a pixel.
    let height = |count: u64| (count as f64).max(0.015 * highest);
    chart.draw_series(filled.map(|(bar, &count)| {
        Rectangle::new([(edge(bar), 0.0), (edge(bar + 1), height(count))], colour.mix(0.85).filled())
    }))?;
    mark_deadline(&mut chart, deadline, highest * 1.06)
}

fn distribution<D: DrawingBackend>(
    area: &Area<D>,
    series: &Series,
    (low, high): (f64, f64),
    colour: RGBColor,
    deadline: Option<f64>,
) -> Result<(), PlotError> {
    let total = series.len();
    // As far as there are frames to tell, and to 99.9 % at least.
    let top = nines(1.0 - 0.5 / total as f64).max(3.0) + 0.15;
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(24)
        .x_label_area_size(20)
        .y_label_area_size(60)
        .build_cartesian_2d((low..high).log_scale(), Tail(top))?;
    chart
        .configure_mesh()
        .x_labels(12)
        .y_labels(6)
        .x_label_formatter(&|value| tick(*value))
        .label_style(text(13.0, MUTED))
        .axis_style(FAINT)
        .bold_line_style(FAINT)
        .light_line_style(FAINT.mix(0.0))
        .draw()?;
    // A staircase: flat until a duration, then up by those that took it.
    let (mut seen, mut line) = (0_u64, vec![(low, 0.0)]);
    for (duration, count) in series.counts() {
        let x = (f64::from(duration) / 1e3).max(low);
        line.push((x, line.last().map_or(0.0, |&(_, y)| y)));
        seen += u64::from(count);
        line.push((x, nines(seen as f64 / total as f64).min(top)));
    }
    chart.draw_series([PathElement::new(line, colour.stroke_width(2))])?;
    mark_deadline(&mut chart, deadline, top)
}

fn mark_deadline<D: DrawingBackend, Y: Ranged<ValueType = f64>>(
    chart: &mut Panel<'_, D, Y>,
    deadline: Option<f64>,
    top: f64,
) -> Result<(), PlotError> {
    if let Some(deadline) = deadline {
        chart.draw_series([PathElement::new(vec![(deadline, 0.0), (deadline, top)], DEADLINE.stroke_width(1))])?;
    }
    Ok(())
}

/// A time on the axis.
fn tick(value: f64) -> String {
    if value >= 1.0 { format!("{value:.0}") } else { format!("{value}") }
}

/// How many nines a share has: 0.9 → 1, 0.99 → 2.
fn nines(share: f64) -> f64 {
    -(1.0 - share).max(1e-12).log10()
}

/// The axis of a distribution, in nines up to its value.
struct Tail(f64);

/// Shares that the axis names.
const NAMED: [(f64, &str); 6] =
    [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %")];

impl Ranged for Tail {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(0.0..self.0).map(value, limit)
    }

    fn key_points<H: plotters::coord::ranged1d::KeyPointHint>(&self, _: H) -> Vec<f64> {
        NAMED.iter().map(|(share, _)| nines(*share)).filter(|point| *point <= self.0).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.0
    }
}

impl ValueFormatter<f64> for Tail {
    fn format(value: &f64) -> String {
        let named = NAMED.iter().find(|(share, _)| (nines(*share) - value).abs() < 1e-9);
        named.map_or("", |(_, name)| name).to_owned()
    }
}
