//! What was asked for, and what came.

/// One line of the closing table.
struct Line {
    what: String,
    target: String,
    measured: String,
    met: Option<bool>,
}

/// The closing table.
#[derive(Default)]
pub struct Targets(Vec<Line>);

impl Targets {
    /// A figure that must be at least so much. NaN was not measured.
    pub fn at_least(&mut self, what: impl Into<String>, target: f64, measured: f64, unit: &str) {
        self.add(what.into(), format!("≥ {target}{unit}"), measured, unit, measured >= target);
    }

    /// A figure that must be at most so much. NaN was not measured.
    pub fn at_most(&mut self, what: impl Into<String>, target: f64, measured: f64, unit: &str) {
        self.add(what.into(), format!("≤ {target}{unit}"), measured, unit, measured <= target);
    }

    fn add(&mut self, what: String, target: String, measured: f64, unit: &str, met: bool) {
        let there = !measured.is_nan();
        let digits = if measured.abs() < 10.0 { 2 } else { 1 };
        let measured = if there { format!("{measured:.digits$}{unit}") } else { "not measured".to_owned() };
        self.0.push(Line { what, target, measured, met: there.then_some(met) });
    }

    /// Prints it.
    pub fn print(&self) {
        println!("## Targets\n\n| | target | measured | met |\n|---|---|---|---|");
        for Line { what, target, measured, met } in &self.0 {
            let met = match met {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "–",
            };
            println!("| {what} | {target} | {measured} | {met} |");
        }
    }
}
