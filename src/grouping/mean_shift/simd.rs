//! The three inner loops of mean-shift for each instruction set, and the choice between them.
//!
//! Every version does the same operations on the same numbers in the same order, lane by lane: no
//! fused multiply-add, no reordered sum but of numbers whose sum is exact (`rows`). They therefore
//! give the same bits; [`Plain`] is the oracle of the others. On aarch64 the compiler makes NEON
//! instructions of [`Plain`] by itself.

use super::tree::{GROUP, LEAF, add_interval, leaf_distances};
use crate::instruction_set::InstructionSet;

/// The inner loops. Columns are `[value][GROUP]` for boxes and `[value][LEAF]` for points, one
/// `centre` value to a column.
pub(super) trait Kernels {
    /// Bit `i` of the first: box `i` touches the ball; of the second: lies inside of it.
    fn boxes(low: &[f64], high: &[f64], centre: &[f64], squared_radius: f64) -> (u32, u32);

    /// Bit `i`: point `i` lies in the ball.
    fn within(columns: &[f64], centre: &[f64], squared_radius: f64) -> u32;

    /// Adds the points that lie in the ball to `lanes`, `[value][LEAF]`, and returns their number.
    fn add_within(columns: &[f64], centre: &[f64], squared_radius: f64, lanes: &mut [f64]) -> u32;
}

/// Something that runs on kernels. `run` must be `#[inline(always)]`, so that it is compiled for the
/// instruction set of its caller.
pub(super) trait Task {
    /// What comes out.
    type Output;
    /// Does it.
    fn run<K: Kernels>(self) -> Self::Output;
}

/// An instruction set that this processor has been seen to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dispatcher(InstructionSet);

impl Dispatcher {
    /// The set, or the plain one where the processor lacks it.
    pub(super) fn new(set: InstructionSet) -> Self {
        Self(if set.is_available() { set } else { InstructionSet::Plain })
    }

    /// Runs a task.
    #[inline]
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            // SAFETY: `new` has seen that the processor has these instructions.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { x86::run_avx512(task) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { x86::run_avx2(task) },
            _ => task.run::<Plain>(),
        }
    }
}

/// What the compiler makes of plain code.
pub(super) struct Plain;

impl Kernels for Plain {
    #[inline(always)]
    fn boxes(low: &[f64], high: &[f64], centre: &[f64], squared_radius: f64) -> (u32, u32) {
        let (mut near, mut far) = ([0.0; GROUP], [0.0; GROUP]);
        for ((low, high), &centre) in low.chunks_exact(GROUP).zip(high.chunks_exact(GROUP)).zip(centre) {
            for lane in 0..GROUP {
                add_interval((low[lane], high[lane]), (centre, centre), &mut near[lane], &mut far[lane]);
            }
        }
        (mask(&near, squared_radius), mask(&far, squared_radius))
    }

    #[inline(always)]
    fn within(columns: &[f64], centre: &[f64], squared_radius: f64) -> u32 {
        mask(&leaf_distances(columns, centre), squared_radius)
    }

    #[inline(always)]
    fn add_within(columns: &[f64], centre: &[f64], squared_radius: f64, lanes: &mut [f64]) -> u32 {
        let squared = leaf_distances(columns, centre);
        let inside = squared.iter().map(|&squared| u32::from(squared <= squared_radius)).sum();
        if inside > 0 {
            for (column, lanes) in columns.chunks_exact(LEAF).zip(lanes.chunks_exact_mut(LEAF)) {
                for lane in 0..LEAF {
                    lanes[lane] += if squared[lane] <= squared_radius { column[lane] } else { 0.0 };
                }
            }
        }
        inside
    }
}

fn mask(squared: &[f64], squared_radius: f64) -> u32 {
    squared.iter().enumerate().fold(0, |mask, (lane, &squared)| mask | u32::from(squared <= squared_radius) << lane)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{GROUP, Kernels, LEAF, Task};

    /// # Safety
    /// The processor has these instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn run_avx512<T: Task>(task: T) -> T::Output {
        task.run::<Avx512>()
    }

    /// # Safety
    /// The processor has these instructions.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn run_avx2<T: Task>(task: T) -> T::Output {
        task.run::<Avx2>()
    }

    /// Eight lanes; named by `run_avx512` alone.
    struct Avx512;

    /// Four lanes; named by `run_avx2` alone.
    struct Avx2;

    impl Kernels for Avx512 {
        #[inline(always)]
        fn boxes(low: &[f64], high: &[f64], centre: &[f64], squared_radius: f64) -> (u32, u32) {
            let (low, high) = (low.as_chunks::<GROUP>().0, high.as_chunks::<GROUP>().0);
            // SAFETY: `run_avx512` has the instructions; every load is of an array of eight.
            unsafe {
                let zero = _mm512_setzero_pd();
                let (mut near, mut far) = (zero, zero);
                for ((low, high), &centre) in low.iter().zip(high).zip(centre) {
                    let centre = _mm512_set1_pd(centre);
                    let below = _mm512_sub_pd(_mm512_loadu_pd(low.as_ptr()), centre);
                    let above = _mm512_sub_pd(centre, _mm512_loadu_pd(high.as_ptr()));
                    let gap = _mm512_max_pd(_mm512_max_pd(below, above), zero);
                    let inside = _mm512_min_pd(below, above);
                    near = _mm512_add_pd(near, _mm512_mul_pd(gap, gap));
                    far = _mm512_add_pd(far, _mm512_mul_pd(inside, inside));
                }
                let radius = _mm512_set1_pd(squared_radius);
                let touching = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(near, radius);
                let inside = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(far, radius);
                (u32::from(touching), u32::from(inside))
            }
        }

        #[inline(always)]
        fn within(columns: &[f64], centre: &[f64], squared_radius: f64) -> u32 {
            let [first, second] = halves_within(columns, centre, squared_radius);
            u32::from(first) | u32::from(second) << 8
        }

        #[inline(always)]
        fn add_within(columns: &[f64], centre: &[f64], squared_radius: f64, lanes: &mut [f64]) -> u32 {
            let inside = halves_within(columns, centre, squared_radius);
            if inside == [0, 0] {
                return 0;
            }
            let columns = columns.as_chunks::<LEAF>().0;
            for (column, lanes) in columns.iter().zip(lanes.as_chunks_mut::<LEAF>().0) {
                for (half, &mask) in inside.iter().enumerate() {
                    // SAFETY: as above; the half of an array of sixteen is eight.
                    unsafe {
                        let (column, lanes) = (column.as_ptr().add(half * 8), lanes.as_mut_ptr().add(half * 8));
                        let sum = _mm512_loadu_pd(lanes);
                        _mm512_storeu_pd(lanes, _mm512_mask_add_pd(sum, mask, sum, _mm512_loadu_pd(column)));
                    }
                }
            }
            inside[0].count_ones() + inside[1].count_ones()
        }
    }

    #[inline(always)]
    fn halves_within(columns: &[f64], centre: &[f64], squared_radius: f64) -> [u8; 2] {
        let columns = columns.as_chunks::<LEAF>().0;
        // SAFETY: only called by `Avx512`; the halves of an array of sixteen are eight each.
        unsafe {
            let mut squared = [_mm512_setzero_pd(); 2];
            for (column, &centre) in columns.iter().zip(centre) {
                let centre = _mm512_set1_pd(centre);
                for (half, squared) in squared.iter_mut().enumerate() {
                    let difference = _mm512_sub_pd(_mm512_loadu_pd(column.as_ptr().add(half * 8)), centre);
                    *squared = _mm512_add_pd(*squared, _mm512_mul_pd(difference, difference));
                }
            }
            let radius = _mm512_set1_pd(squared_radius);
            squared.map(|squared| _mm512_cmp_pd_mask::<_CMP_LE_OQ>(squared, radius))
        }
    }

    impl Kernels for Avx2 {
        #[inline(always)]
        fn boxes(low: &[f64], high: &[f64], centre: &[f64], squared_radius: f64) -> (u32, u32) {
            let (low, high) = (low.as_chunks::<GROUP>().0, high.as_chunks::<GROUP>().0);
            // SAFETY: `run_avx2` has the instructions; the halves of an array of eight are four each.
            unsafe {
                let zero = _mm256_setzero_pd();
                let (mut near, mut far) = ([zero; 2], [zero; 2]);
                for ((low, high), &centre) in low.iter().zip(high).zip(centre) {
                    let centre = _mm256_set1_pd(centre);
                    for half in 0..2 {
                        let below = _mm256_sub_pd(_mm256_loadu_pd(low.as_ptr().add(half * 4)), centre);
                        let above = _mm256_sub_pd(centre, _mm256_loadu_pd(high.as_ptr().add(half * 4)));
                        let gap = _mm256_max_pd(_mm256_max_pd(below, above), zero);
                        let inside = _mm256_min_pd(below, above);
                        near[half] = _mm256_add_pd(near[half], _mm256_mul_pd(gap, gap));
                        far[half] = _mm256_add_pd(far[half], _mm256_mul_pd(inside, inside));
                    }
                }
                (mask(compare(near, squared_radius)), mask(compare(far, squared_radius)))
            }
        }

        #[inline(always)]
        fn within(columns: &[f64], centre: &[f64], squared_radius: f64) -> u32 {
            // SAFETY: `run_avx2` has the instructions.
            unsafe { mask(quarters_within(columns, centre, squared_radius)) }
        }

        #[inline(always)]
        fn add_within(columns: &[f64], centre: &[f64], squared_radius: f64, lanes: &mut [f64]) -> u32 {
            // SAFETY: `run_avx2` has the instructions; the quarters of an array of sixteen are four each.
            unsafe {
                let inside = quarters_within(columns, centre, squared_radius);
                let count = mask(inside).count_ones();
                if count > 0 {
                    let columns = columns.as_chunks::<LEAF>().0;
                    for (column, lanes) in columns.iter().zip(lanes.as_chunks_mut::<LEAF>().0) {
                        for (quarter, &inside) in inside.iter().enumerate() {
                            let column = _mm256_loadu_pd(column.as_ptr().add(quarter * 4));
                            let lanes = lanes.as_mut_ptr().add(quarter * 4);
                            // A lane outside adds the zero that `and` leaves.
                            let sum = _mm256_add_pd(_mm256_loadu_pd(lanes), _mm256_and_pd(inside, column));
                            _mm256_storeu_pd(lanes, sum);
                        }
                    }
                }
                count
            }
        }
    }

    /// # Safety
    /// Only for `Avx2`.
    #[inline(always)]
    unsafe fn quarters_within(columns: &[f64], centre: &[f64], squared_radius: f64) -> [__m256d; 4] {
        // SAFETY: by contract; the quarters of an array of sixteen are four each.
        unsafe {
            let mut squared = [_mm256_setzero_pd(); 4];
            for (column, &centre) in columns.as_chunks::<LEAF>().0.iter().zip(centre) {
                let centre = _mm256_set1_pd(centre);
                for (quarter, squared) in squared.iter_mut().enumerate() {
                    let difference = _mm256_sub_pd(_mm256_loadu_pd(column.as_ptr().add(quarter * 4)), centre);
                    *squared = _mm256_add_pd(*squared, _mm256_mul_pd(difference, difference));
                }
            }
            compare(squared, squared_radius)
        }
    }

    /// # Safety
    /// Only for `Avx2`.
    #[inline(always)]
    unsafe fn compare<const N: usize>(squared: [__m256d; N], squared_radius: f64) -> [__m256d; N] {
        // SAFETY: by contract.
        unsafe {
            let radius = _mm256_set1_pd(squared_radius);
            squared.map(|squared| _mm256_cmp_pd::<_CMP_LE_OQ>(squared, radius))
        }
    }

    /// # Safety
    /// Only for `Avx2`.
    #[inline(always)]
    unsafe fn mask<const N: usize>(inside: [__m256d; N]) -> u32 {
        inside.iter().enumerate().fold(0, |mask, (part, &inside)| {
            // SAFETY: by contract.
            mask | (unsafe { _mm256_movemask_pd(inside) } as u32) << (part * 4)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct All<'a> {
        low: &'a [f64],
        high: &'a [f64],
        columns: &'a [f64],
        centre: &'a [f64],
        squared_radius: f64,
        lanes: &'a mut [f64],
    }

    impl Task for All<'_> {
        type Output = ((u32, u32), u32, u32);

        #[inline(always)]
        fn run<K: Kernels>(self) -> Self::Output {
            let Self { low, high, columns, centre, squared_radius, lanes } = self;
            (
                K::boxes(low, high, centre, squared_radius),
                K::within(columns, centre, squared_radius),
                K::add_within(columns, centre, squared_radius, lanes),
            )
        }
    }

    proptest! {
        /// Coarse values: many distances are exactly the radius; +∞ is where a column is not full.
        #[test]
        fn all_instruction_sets_agree(
            values in prop::collection::vec(prop_oneof![9 => (-4_i8..4).prop_map(|v| f64::from(v) * 0.3), 1 => Just(f64::INFINITY)], 7 * 33),
            size in 1_usize..=7,
            radius in 0_u8..6,
        ) {
            let (columns, rest) = values.split_at(7 * LEAF);
            let (ends, centre) = rest.split_at(7 * LEAF);
            let centre: Vec<f64> = centre[..size].iter().map(|&v| if v.is_finite() { v } else { 0.3 }).collect();
            let (low, high): (Vec<f64>, Vec<f64>) =
                ends.chunks_exact(2).map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))).unzip();
            let answer = |set| {
                let mut lanes = vec![0.7; size * LEAF];
                let all = All {
                    low: &low[..size * GROUP],
                    high: &high[..size * GROUP],
                    columns: &columns[..size * LEAF],
                    centre: &centre,
                    squared_radius: f64::from(radius) * 0.09,
                    lanes: &mut lanes,
                };
                (Dispatcher::new(set).run(all), lanes.iter().map(|lane| lane.to_bits()).collect::<Vec<_>>())
            };
            let plain = answer(InstructionSet::Plain);
            prop_assert_eq!(plain.0.1.count_ones(), plain.0.2);
            for set in InstructionSet::available() {
                prop_assert_eq!(answer(set), plain.clone(), "{}", set);
            }
        }
    }
}
