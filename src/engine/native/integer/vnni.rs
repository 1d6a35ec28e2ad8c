//! Integer kernels of x86-64 with AVX-512 VNNI: four unsigned by four signed bytes in each of 16 lanes.

use std::arch::x86_64::*;

use super::vector::{IntegerVector, table};

impl IntegerVector for __m512 {
    type Sum = __m512i;
    type Weights = __m512i;
    const OFFSET: u8 = 128;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> Self::Sum {
        // SAFETY: the caller's: 16 sums are there.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::Weights {
        // SAFETY: the caller's: 64 weights are there.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sum: Self::Sum, steps: *const u8, weights: Self::Weights) -> Self::Sum {
        // SAFETY: the caller's: four steps are there, aligned or not.
        unsafe { _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(steps.cast::<i32>().read_unaligned()), weights) }
    }

    #[inline(always)]
    unsafe fn to_floats(sum: Self::Sum) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_cvtepi32_ps(sum) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_mul_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn store_steps(self, to: *mut u8) {
        // SAFETY: the caller's: 16 bytes are there. Flipping the highest bit of a signed byte adds 128.
        unsafe {
            // What is too large for an integer would come out as the lowest.
            let limited = _mm512_min_ps(self, _mm512_set1_ps(127.0));
            let steps = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(limited));
            _mm_storeu_si128(to.cast(), _mm_xor_si128(steps, _mm_set1_epi8(i8::MIN)));
        }
    }
}

table!(__m512, 2, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");
