//! Numbers -> a chart as SVG: lines or bars, with a legend.
//!
//! Colours are those of light paper; the page's style replaces them where it is dark. A chart has a label for those who cannot see it, and
//! the page has its numbers as a table beside it.

use plotters::chart::MeshStyle;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::FontStyle;

use crate::error::{Error, Result};

/// Ink, grid and series. The first three series are from the palette of Okabe and Ito, which the colour-blind can tell apart.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(221, 221, 222);
const SERIES: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
/// Size in pixels; the page scales it.
const WIDTH: u32 = 620;
const HEIGHT: u32 = 260;
/// Height of letters.
const LETTERS: u32 = 15;
/// Room for the names of lying bars.
const NAMES_WIDTH: u32 = 215;
/// Most bars whose labels are all written.
const MOST_LABELS: usize = 16;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Names of the axes.
    pub x: String,
    /// The same of the vertical one.
    pub y: String,
    /// What is drawn.
    pub plot: Plot,
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// Series of points, by name; at most three.
    Lines(Vec<(String, Vec<(f64, f64)>)>),
    /// Upright bars with their names.
    Bars(Vec<(String, f64)>),
    /// Lying bars below each other, for long names.
    Rows(Vec<(String, f64)>),
}

impl Chart {
    /// As SVG.
    ///
    /// # Errors
    /// [`Error::Internal`] where it cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        let mut text = String::new();
        let failed = |e: String| Error::Internal(format!("chart '{}': {e}", self.title));
        self.draw(&mut text).map_err(failed)?;
        let (_, body) = text.split_once('>').ok_or_else(|| failed("no SVG".into()))?;
        let body = body.replace("#010101", "currentColor").replace(" opacity=\"1\"", "").replace('\n', "");
        let label = format!("{}. {}", self.title, self.described());
        let label = label.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        Ok(format!("<svg role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">{body}"))
    }

    /// A sentence on the highest value.
    fn described(&self) -> String {
        let highest = |points: &mut dyn Iterator<Item = (String, f64)>| {
            points
                .reduce(|a, b| if b.1 > a.1 { b } else { a })
                .map_or_else(|| "Nothing to show".into(), |(at, y)| format!("Highest: {} at {at}", number(y)))
        };
        match &self.plot {
            Plot::Bars(bars) | Plot::Rows(bars) => highest(&mut bars.iter().cloned()),
            Plot::Lines(series) => {
                let of = |(name, points): &(String, Vec<(f64, f64)>)| {
                    format!("{name}: {}", highest(&mut points.iter().map(|&(x, y)| (number(x), y))))
                };
                series.iter().map(of).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// Rows of a table of its numbers, the head first.
    #[must_use]
    pub fn table(&self) -> Vec<Vec<String>> {
        match &self.plot {
            Plot::Bars(bars) | Plot::Rows(bars) => {
                let rows = bars.iter().map(|(name, value)| vec![name.clone(), number(*value)]);
                std::iter::once(vec![self.x.clone(), self.y.clone()]).chain(rows).collect()
            }
            Plot::Lines(series) => {
                let head = std::iter::once(self.x.clone()).chain(series.iter().map(|(name, _)| name.clone()));
                let longest = series.iter().map(|(_, points)| points).max_by_key(|points| points.len());
                let row = |i: usize, x: f64| {
                    let values = series.iter().map(|(_, points)| points.get(i).map_or(0.0, |&(_, y)| y));
                    std::iter::once(number(x)).chain(values.map(number)).collect()
                };
                let rows = longest.into_iter().flatten().enumerate().map(|(i, &(x, _))| row(i, x));
                std::iter::once(head.collect()).chain(rows).collect()
            }
        }
    }

    /// Names and looks of the axes, which charts of all kinds share.
    fn style(&self, mesh: &mut MeshStyle<RangedCoordf64, RangedCoordf64, SVGBackend>) {
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .label_style(font(LETTERS))
            .axis_desc_style(font(LETTERS))
            .x_desc(&self.x)
            .y_desc(&self.y)
            .y_label_formatter(&|y| number(*y))
            .y_labels(6);
    }

    fn draw(&self, text: &mut String) -> Result<(), String> {
        let said = |e: &dyn std::fmt::Display| e.to_string();
        let root = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
        let mut builder = ChartBuilder::on(&root);
        builder.margin(8).margin_right(16).x_label_area_size(50).y_label_area_size(70);
        match &self.plot {
            Plot::Lines(series) => {
                let all = || series.iter().flat_map(|(_, points)| points);
                let highest = all().map(|point| point.1).fold(0.0, f64::max);
                let (first, last) =
                    all().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), point| (a.min(point.0), b.max(point.0)));
                let (first, last) = if first < last { (first, last) } else { (0.0, 1.0) };
                let mut chart =
                    builder.build_cartesian_2d(first..last, 0.0..headroom(highest)).map_err(|e| said(&e))?;
                let mut mesh = chart.configure_mesh();
                self.style(&mut mesh);
                mesh.x_label_formatter(&|x| number(*x)).draw().map_err(|e| said(&e))?;
                for ((name, points), colour) in series.iter().zip(SERIES) {
                    chart
                        .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))
                        .map_err(|e| said(&e))?
                        .label(name)
                        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
                }
                if series.len() > 1 {
                    chart
                        .configure_series_labels()
                        .position(SeriesLabelPosition::UpperRight)
                        .label_font(font(LETTERS))
                        .draw()
                        .map_err(|e| said(&e))?;
                }
            }
            Plot::Bars(bars) => {
                let highest = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
                let n = u32::try_from(bars.len()).unwrap_or(u32::MAX);
                let mut chart = builder
                    .build_cartesian_2d(-0.5..f64::from(n.max(1)) - 0.5, 0.0..headroom(highest))
                    .map_err(|e| said(&e))?;
                let step = bars.len().div_ceil(MOST_LABELS).max(1);
                let name = |x: &f64| bar_name(bars, *x, step);
                let mut mesh = chart.configure_mesh();
                self.style(&mut mesh);
                let mesh = mesh.disable_x_mesh().x_labels(bars.len() + 1).x_label_formatter(&name);
                mesh.draw().map_err(|e| said(&e))?;
                let drawn = (0_u32..).zip(bars).map(|(i, (_, value))| {
                    let middle = f64::from(i);
                    Rectangle::new([(middle - 0.4, 0.0), (middle + 0.4, *value)], SERIES[0].filled())
                });
                chart.draw_series(drawn).map_err(|e| said(&e))?;
            }
            Plot::Rows(bars) => {
                // The first bar is on top.
                let bars: Vec<(String, f64)> = bars.iter().rev().cloned().collect();
                let highest = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
                let n = u32::try_from(bars.len()).unwrap_or(u32::MAX);
                let mut chart = builder
                    .y_label_area_size(NAMES_WIDTH)
                    .build_cartesian_2d(0.0..headroom(highest), -0.5..f64::from(n.max(1)) - 0.5)
                    .map_err(|e| said(&e))?;
                let name = |y: &f64| bar_name(&bars, *y, 1);
                let mut mesh = chart.configure_mesh();
                self.style(&mut mesh);
                let mesh = mesh.disable_y_mesh().y_labels(bars.len() + 1).y_label_formatter(&name);
                mesh.x_desc(&self.y).y_desc("").x_label_formatter(&|x| number(*x)).draw().map_err(|e| said(&e))?;
                let drawn = (0_u32..).zip(&bars).map(|(i, (_, value))| {
                    let middle = f64::from(i);
                    Rectangle::new([(0.0, middle - 0.4), (*value, middle + 0.4)], SERIES[0].filled())
                });
                chart.draw_series(drawn).map_err(|e| said(&e))?;
            }
        }
        root.present().map_err(|e| said(&e))
    }
}

fn font(size: u32) -> (&'static str, u32, FontStyle, &'static RGBColor) {
    ("sans-serif", size, FontStyle::Normal, &INK)
}

/// The name under a bar; of many, every `step`th.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the index of a bar")]
fn bar_name(bars: &[(String, f64)], x: f64, step: usize) -> String {
    let bar = x.round();
    if (x - bar).abs() > 0.01 || bar < 0.0 || !(bar as usize).is_multiple_of(step) {
        return String::new();
    }
    bars.get(bar as usize).map_or_else(String::new, |(name, _)| name.clone())
}

fn headroom(highest: f64) -> f64 {
    if highest > 0.0 { highest * 1.08 } else { 1.0 }
}

/// A number with as many digits as are of interest.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 10_000_000.0 {
        format!("{:.1} M", value / 1e6)
    } else if size >= 1_000_000.0 {
        format!("{:.2} M", value / 1e6)
    } else if size >= 10_000.0 {
        format!("{:.0} k", value / 1e3)
    } else if size >= 100.0 || (value - value.round()).abs() < 1e-9 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.1}")
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(plot: Plot) -> Chart {
        Chart { title: "Some <title>".into(), x: "GQ".into(), y: "calls".into(), plot }
    }

    #[test]
    fn a_chart_has_a_label_and_a_table() {
        let lines = vec![("SNPs".to_owned(), vec![(0.0, 1.0), (5.0, 3.0)]), ("indels".to_owned(), vec![(0.0, 2.0)])];
        let lines = chart(Plot::Lines(lines));
        let svg = lines.svg().unwrap();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"Some &lt;title>. SNPs: Highest: 3 at 5;"), "{svg}");
        assert!(svg.contains("currentColor") && svg.contains("#0072B2") && svg.contains("#D55E00"), "{svg}");
        assert!(svg.ends_with("</svg>"));
        assert_eq!(lines.table(), [["GQ", "SNPs", "indels"], ["0", "1", "2"], ["5", "3", "0"]]);
    }

    #[test]
    fn nothing_makes_an_empty_chart() {
        assert!(chart(Plot::Bars(Vec::new())).svg().unwrap().contains("Nothing to show"));
        assert!(chart(Plot::Lines(vec![("a".into(), Vec::new())])).svg().is_ok());
        assert!(chart(Plot::Lines(vec![("a".into(), vec![(1.0, 0.0)])])).svg().is_ok());
    }

    #[test]
    fn bars_are_named() {
        let svg = chart(Plot::Bars(vec![("A>C".into(), 3.0), ("C>T".into(), 9.0)])).svg().unwrap();
        assert!(svg.contains("A&gt;C") && svg.contains("C&gt;T"), "{svg}");
        let rows = chart(Plot::Rows(vec![("workers: wait for writer".into(), 3.0), ("write".into(), 9.0)]));
        let svg = rows.svg().unwrap();
        assert!(svg.contains(">workers: wait for writer<") && svg.contains(">write<"), "{svg}");
        assert_eq!(rows.table()[1], ["workers: wait for writer", "3"]);
    }

    #[test]
    fn numbers_are_short() {
        let text = [0.0, 3.0, 0.05, 12.34, 123.4, 45_678.0, 3_456_789.0, 30e6].map(number);
        assert_eq!(text, ["0", "3", "0.05", "12.3", "123", "46 k", "3.46 M", "30.0 M"]);
    }
}
