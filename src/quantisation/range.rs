//! How large a value gets, and how much of that to keep.

use serde::{Deserialize, Serialize};

use super::tensor::step_of;

/// How the range of a value is chosen from what was seen of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RangeMethod {
    /// The range with the least mean squared error over all that was seen: clipping against rounding.
    #[default]
    LeastError,
    /// The range whose quantised histogram says most of the true one (least Kullback–Leibler divergence),
    /// as TensorRT's calibrator does.
    Entropy,
    /// All but one in ten thousand.
    Percentile,
    /// Everything that was seen.
    MinMax,
}

/// Bins of a histogram.
const BINS: usize = 2048;
/// Share that the percentile method keeps.
const KEPT: f64 = 0.9999;
/// Steps of a non-negative value in signed 8 bits.
const STEPS: usize = 128;

/// Histogram of a value's magnitudes. It widens by doubling, so that blocks may come in any number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Upper end of the last bin; 0 before the first value.
    end: f32,
    counts: Vec<u64>,
    /// Largest magnitude.
    largest: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { end: 0.0, counts: vec![0; BINS], largest: 0.0 }
    }
}

impl Histogram {
    /// Adds the magnitudes of values, all finite.
    pub fn add(&mut self, values: &[f32]) {
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        self.largest = self.largest.max(largest);
        if largest > 0.0 && self.end == 0.0 {
            // A power of two, so that the bins do not depend on which block came first by more than doublings.
            self.end = largest.log2().ceil().exp2().max(f32::MIN_POSITIVE);
        }
        self.widen(largest);
        let bins = if self.end > 0.0 { BINS as f32 / self.end } else { 0.0 };
        for value in values {
            self.counts[((value.abs() * bins) as usize).min(BINS - 1)] += 1;
        }
    }

    /// Doubles the bins' width until `largest` is inside.
    fn widen(&mut self, largest: f32) {
        while largest > self.end {
            for bin in 0..BINS / 2 {
                self.counts[bin] = self.counts[2 * bin] + self.counts[2 * bin + 1];
            }
            self.counts[BINS / 2..].fill(0);
            self.end *= 2.0;
        }
    }

    /// Adds what another histogram saw.
    pub fn merge(&mut self, other: &Self) {
        if other.largest == 0.0 {
            self.counts[0] += other.counts[0];
            return;
        }
        let mut other = other.clone();
        if self.end == 0.0 {
            self.end = other.end;
        }
        // Both ends are powers of two: doubling brings them together.
        let end = self.end.max(other.end);
        self.widen(end);
        other.widen(end);
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.largest = self.largest.max(other.largest);
    }

    /// Largest magnitude that was seen.
    pub fn largest(&self) -> f32 {
        self.largest
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    /// The size of one step of 8 bits.
    pub fn scale(&self, method: RangeMethod) -> f32 {
        step_of(match method {
            _ if self.largest == 0.0 => 0.0,
            RangeMethod::MinMax => self.largest,
            RangeMethod::Percentile => self.percentile(KEPT).min(self.largest),
            RangeMethod::LeastError => self.least(|edge| self.squared_error(edge)),
            RangeMethod::Entropy => self.least(|edge| self.divergence(edge)),
        })
    }

    fn edge(&self, bins: usize) -> f32 {
        (self.end * bins as f32 / BINS as f32).min(self.largest)
    }

    fn used(&self) -> usize {
        self.counts.iter().rposition(|&count| count > 0).map_or(1, |bin| bin + 1)
    }

    /// The magnitude below which a share of all values lies.
    fn percentile(&self, share: f64) -> f32 {
        let wanted = share * self.counts.iter().sum::<u64>() as f64;
        let mut seen = 0;
        let bin = self.counts.iter().position(|&count| {
            seen += count;
            seen as f64 >= wanted
        });
        self.edge(bin.map_or(BINS, |bin| bin + 1))
    }

    fn least(&self, cost: impl Fn(usize) -> f64) -> f32 {
        let used = self.used();
        let edges = (STEPS.min(used)..=used).step_by((used / 256).max(1)).chain([used]);
        let best = edges.map(|edge| (cost(edge), edge)).min_by(|one, other| one.0.total_cmp(&other.0));
        self.edge(best.map_or(used, |(_, edge)| edge))
    }

    /// Squared error of quantising with the first `edge` bins as range.
    fn squared_error(&self, edge: usize) -> f64 {
        let width = f64::from(self.end) / BINS as f64;
        let limit = width * edge as f64;
        let step = limit / 127.0;
        let error = |(bin, &count): (usize, &u64)| {
            let value = (bin as f64 + 0.5) * width;
            let error = if value > limit {
                value - limit
            } else if bin == 0 {
                0.0 // Zeros stay zeros, and most of what is here is zeros.
            } else {
                // Values of a bin lie anywhere in it; a step is wider than a bin, or the rounding is exact enough.
                step / 12.0_f64.sqrt()
            };
            count as f64 * error * error
        };
        self.counts.iter().enumerate().map(error).sum()
    }

    /// Kullback–Leibler divergence of the histogram, clipped to `edge` bins, from itself in 128 steps.
    /// The first bin (zeros) is left out, as in TensorRT: it would drown everything else.
    fn divergence(&self, edge: usize) -> f64 {
        let beyond: u64 = self.counts[edge..].iter().sum();
        let mut clipped: Vec<f64> = self.counts[..edge].iter().map(|&count| count as f64).collect();
        clipped[0] = 0.0;
        if let Some(last) = clipped.last_mut() {
            *last += beyond as f64;
        }
        let total: f64 = clipped.iter().sum();
        if total == 0.0 {
            return 0.0;
        }
        let mut divergence = 0.0;
        for step in 0..STEPS {
            let (from, to) = (step * edge / STEPS, (step + 1) * edge / STEPS);
            // What the step stands for is spread over its bins that hold anything, without the clipped mass.
            let kept: f64 = (from..to).filter(|&bin| bin > 0).map(|bin| self.counts[bin] as f64).sum();
            let filled = (from..to).filter(|&bin| clipped[bin] > 0.0).count();
            for &value in clipped[from..to].iter().filter(|&&value| value > 0.0) {
                let spread = (kept / filled as f64).max(1e-3);
                divergence += value / total * (value / spread).ln();
            }
        }
        divergence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decreasing() -> Vec<f32> {
        // A long tail: 1/x for x up to 1000 steps, with one value far out.
        let mut values: Vec<f32> = (1..20_000).map(|step| 8.0 / step as f32).collect();
        values.push(80.0);
        values
    }

    #[test]
    fn histograms_do_not_depend_on_the_order() {
        let values = decreasing();
        let (mut forwards, mut backwards) = (Histogram::default(), Histogram::default());
        for chunk in values.chunks(100) {
            forwards.add(chunk);
        }
        for chunk in values.rchunks(777) {
            backwards.add(chunk);
        }
        assert_eq!(forwards.largest(), 80.0);
        assert_eq!(forwards.end, backwards.end);
        let total = |histogram: &Histogram| histogram.counts.iter().sum::<u64>();
        assert_eq!((total(&forwards), total(&backwards)), (20_000, 20_000));
        let (mut merged, mut half) = (Histogram::default(), Histogram::default());
        merged.add(&values[15_000..]);
        half.add(&values[..15_000]);
        merged.merge(&half);
        assert_eq!((total(&merged), merged.end), (20_000, 128.0));
    }

    #[test]
    fn methods_clip_as_they_say() {
        let mut histogram = Histogram::default();
        histogram.add(&decreasing());
        let range = |method| 127.0 * histogram.scale(method);
        assert!((range(RangeMethod::MinMax) - 80.0).abs() < 1e-4);
        let percentile = range(RangeMethod::Percentile);
        assert!((4.0..9.0).contains(&percentile), "one in ten thousand is beyond 8/2: {percentile}");
        // One value in twenty thousand is worth no step of all others, but much of its own square.
        let error = range(RangeMethod::LeastError);
        assert!((1.0..=80.0).contains(&error), "{error}");
        assert!(range(RangeMethod::Entropy) < 80.0);
    }

    #[test]
    fn an_even_spread_is_kept_whole() {
        let mut histogram = Histogram::default();
        histogram.add(&(0..50_000).map(|step| step as f32 * 1e-4).collect::<Vec<_>>());
        for method in [RangeMethod::LeastError, RangeMethod::Entropy, RangeMethod::Percentile, RangeMethod::MinMax] {
            let range = 127.0 * histogram.scale(method);
            assert!((4.7..=5.0001).contains(&range), "{method:?} {range}");
        }
    }

    #[test]
    fn nothing_but_zeros_has_a_scale() {
        let mut histogram = Histogram::default();
        assert!(histogram.is_empty());
        histogram.add(&[0.0; 9]);
        assert!(!histogram.is_empty());
        assert_eq!(histogram.scale(RangeMethod::Entropy), 1.0);
    }
}
