//! Contenders that take turns, so that whatever else the machine does hits all of them alike.

use std::time::Instant;

/// One that is timed.
pub struct Contender<'a> {
    /// Its name.
    pub name: String,
    /// Milliseconds of each round.
    pub times: Vec<f64>,
    run: Box<dyn FnMut(usize) -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    /// One that says itself how many milliseconds the round of this number took.
    pub fn reporting(name: impl Into<String>, run: impl FnMut(usize) -> f64 + 'a) -> Self {
        Self { name: name.into(), times: Vec::new(), run: Box::new(run) }
    }

    /// One that is timed from outside.
    pub fn timed(name: impl Into<String>, mut run: impl FnMut(usize) + 'a) -> Self {
        Self::reporting(name, move |round| {
            let start = Instant::now();
            run(round);
            start.elapsed().as_secs_f64() * 1e3
        })
    }
}

/// Runs all of them in every round, after `warm_up` rounds that do not count.
pub fn race(contenders: &mut [Contender<'_>], warm_up: usize, rounds: usize) {
    for round in 0..warm_up + rounds {
        for contender in &mut *contenders {
            let time = (contender.run)(round);
            if round >= warm_up {
                contender.times.push(time);
            }
        }
    }
}

/// The median; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => 0.5 * (sorted[even / 2 - 1] + sorted[even / 2]),
    }
}

/// How many times as long `theirs` takes as `ours`: the median over the rounds, each against its own round.
pub fn ratio(theirs: &[f64], ours: &[f64]) -> f64 {
    median(&theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect::<Vec<_>>())
}
