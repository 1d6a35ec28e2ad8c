//! What one core can do at most: fused multiply-adds that touch registers only.

use std::hint::black_box;
use std::time::Instant;

use instanton::instruction_set::InstructionSet;

/// Sums that run side by side: enough to hide the latency of two units of any core, and they fit the registers.
const CHAINS: usize = 12;
/// Multiply-adds of each chain in one measurement: a few milliseconds.
const LENGTH: usize = 1 << 20;

/// GFLOP/s (two for a multiply-add) of one core; `None` for the plain instruction set.
pub fn gigaflops(set: InstructionSet) -> Option<f64> {
    let (run, lanes): (unsafe fn(usize) -> f32, usize) = match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 if set.is_available() => (x86::avx512, 16),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 if set.is_available() => (x86::avx2, 8),
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon if set.is_available() => (arm::neon, 4),
        _ => return None,
    };
    let start = Instant::now();
    // SAFETY: the processor has the instructions, as was just asked.
    black_box(unsafe { run(black_box(LENGTH)) });
    Some((2 * lanes * CHAINS * LENGTH) as f64 / start.elapsed().as_secs_f64() / 1e9)
}

/// A loop of [`CHAINS`] independent sums, `sum = factor · step + sum`.
macro_rules! chains {
    ($name:ident, $features:literal, $splat:path, $multiply_add:expr, $sum:path) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(length: usize) -> f32 {
            let (factor, step) = ($splat(black_box(0.5)), $splat(black_box(1e-9)));
            let mut sums = [factor; CHAINS];
            for _ in 0..length {
                for sum in &mut sums {
                    *sum = $multiply_add(factor, step, *sum);
                }
            }
            sums.into_iter().map(|sum| $sum(sum)).sum()
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{CHAINS, black_box};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    fn first_of_sixteen(vector: __m512) -> f32 {
        _mm512_cvtss_f32(vector)
    }

    chains!(avx512, "avx512f", _mm512_set1_ps, _mm512_fmadd_ps, first_of_sixteen);
    chains!(avx2, "avx2,fma", _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32);
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{CHAINS, black_box};
    use std::arch::aarch64::*;

    chains!(neon, "neon", vdupq_n_f32, |factor, step, sum| vfmaq_f32(sum, factor, step), vaddvq_f32);
}
