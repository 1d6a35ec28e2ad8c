//! Integer kernels of x86-64 with AVX2: bytes multiplied to 16 bits, added to 32.

use std::arch::x86_64::*;

use super::vector::{IntegerVector, table};

impl IntegerVector for __m256 {
    type Sum = __m256i;
    type Weights = __m256i;
    const OFFSET: u8 = 0;
    // Of 16 registers the sums take eight: a product of bytes needs five more for itself.
    const INTEGER_ROWS: usize = 4;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> Self::Sum {
        // SAFETY: the caller's: 8 sums are there.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::Weights {
        // SAFETY: the caller's: 32 weights are there.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sum: Self::Sum, steps: *const u8, weights: Self::Weights) -> Self::Sum {
        // The instruction takes unsigned by signed bytes: the step's sign goes to the weight. Weights are at least
        // −127, so two products stay within 16 bits: 2 · 128 · 127 < 2¹⁵.
        // SAFETY: the caller's: four steps are there, aligned or not.
        unsafe {
            let steps = _mm256_set1_epi32(steps.cast::<i32>().read_unaligned());
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(steps), _mm256_sign_epi8(weights, steps));
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    unsafe fn to_floats(sum: Self::Sum) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_cvtepi32_ps(sum) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_mul_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn store_steps(self, to: *mut u8) {
        // SAFETY: the caller's: 8 bytes are there. Both packings saturate.
        unsafe {
            // What is too large for an integer would come out as the lowest.
            let steps = _mm256_cvtps_epi32(_mm256_min_ps(self, _mm256_set1_ps(127.0)));
            let words = _mm_packs_epi32(_mm256_castsi256_si128(steps), _mm256_extracti128_si256(steps, 1));
            _mm_storel_epi64(to.cast(), _mm_packs_epi16(words, words));
        }
    }
}

table!(__m256, 2, "avx2,fma");
