//! Embeddings that are hard to cluster, for tests and benches: five values a point.

/// Values in each row.
pub(crate) const SIZE: usize = 5;

/// Points of a full block.
pub(crate) const POINTS: usize = 4096;

/// Names and embeddings of all hard inputs with about `points` points.
pub(crate) fn inputs(points: usize) -> Vec<(&'static str, Vec<f32>)> {
    vec![
        ("separate points", separate(points)),
        ("uniform noise, ±8", uniform(points, 8.0)),
        ("uniform noise, ±2", uniform(points, 2.0)),
        ("uniform noise, ±1", uniform(points, 1.0)),
        ("uniform noise, ±0.5", uniform(points, 0.5)),
        ("one wide bell", bell(points)),
        ("40 clusters, noise, bridges", clusters_and_bridges(points)),
        ("a line", line(points)),
        ("a plane", plane(points)),
        ("all equal", [0.29; SIZE].repeat(points)),
        ("one point", vec![0.31, -2.0, 7.5, 0.0, 1.0]),
        ("every other row NaN", with_bad_rows(clusters_and_bridges(points))),
        ("nothing but NaN", vec![f32::NAN; points * SIZE]),
    ]
}

/// Uniform numbers in -1..1 from a linear congruential generator: the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// About normal, of variance 1: the sum of twelve.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() * 0.5
    }

    fn row(&mut self, scale: f32) -> [f32; SIZE] {
        std::array::from_fn(|_| self.next() * scale)
    }
}

/// A lattice of points no two of which are within the bandwidth: as many clusters as points.
fn separate(points: usize) -> Vec<f32> {
    let mut random = Random(1);
    (0..points)
        .flat_map(|point| std::array::from_fn::<_, SIZE, _>(|d| ((point >> (3 * d)) % 8) as f32 + random.next() * 0.1))
        .collect()
}

fn uniform(points: usize, scale: f32) -> Vec<f32> {
    let mut random = Random(2);
    (0..points).flat_map(|_| random.row(scale)).collect()
}

/// One mode under a slope that is everywhere: the longest trajectories.
fn bell(points: usize) -> Vec<f32> {
    let mut random = Random(3);
    (0..points * SIZE).map(|_| random.normal() * 0.6).collect()
}

/// Forty clusters of unequal size, a fifth of the points noise, a tenth on lines between clusters.
fn clusters_and_bridges(points: usize) -> Vec<f32> {
    let mut random = Random(4);
    let centres: Vec<[f32; SIZE]> = (0..40).map(|_| random.row(3.0)).collect();
    let mut values = Vec::with_capacity(points * SIZE);
    for point in 0..points {
        match point % 10 {
            0 | 5 => values.extend(random.row(4.0)),
            9 => {
                let (from, to) = (centres[point / 10 % 40], centres[(point / 10 + 1) % 40]);
                let share = random.next() * 0.5 + 0.5;
                values.extend((0..SIZE).map(|d| from[d] + (to[d] - from[d]) * share + random.next() * 0.05));
            }
            _ => {
                // The square makes some clusters many times larger than others.
                let which = (random.next().powi(2) * 40.0) as usize % 40;
                values.extend(centres[which].map(|centre| centre + random.normal() * 0.15));
            }
        }
    }
    values
}

/// Evenly along a line: no slope, every place a plateau.
fn line(points: usize) -> Vec<f32> {
    (0..points).flat_map(|point| [1.0, -0.5, 0.25, 0.0, 2.0].map(|slope: f32| slope * point as f32 * 0.005)).collect()
}

/// Evenly over a plane: plateaus with many ways.
fn plane(points: usize) -> Vec<f32> {
    (0..points).flat_map(|point| [(point % 64) as f32 * 0.1, (point / 64) as f32 * 0.1, 0.0, 0.0, 0.0]).collect()
}

fn with_bad_rows(mut values: Vec<f32>) -> Vec<f32> {
    for (index, row) in values.chunks_exact_mut(SIZE).enumerate() {
        match index % 4 {
            1 => row[index % SIZE] = f32::NAN,
            3 => row[index % SIZE] = [f32::INFINITY, f32::NEG_INFINITY, 1e30][index % 3],
            _ => {}
        }
    }
    values
}
