//! Integer kernels of aarch64 with the dot product extension (Armv8.2; every Jetson from Xavier on).

use std::arch::aarch64::*;
use std::arch::asm;

use super::vector::{IntegerVector, table};

impl IntegerVector for float32x4_t {
    type Sum = int32x4_t;
    type Weights = int8x16_t;
    const OFFSET: u8 = 0;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> Self::Sum {
        // SAFETY: the caller's: 4 sums are there.
        unsafe { vld1q_s32(from) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::Weights {
        // SAFETY: the caller's: 16 weights are there.
        unsafe { vld1q_s8(from) }
    }

    #[inline(always)]
    unsafe fn dot(mut sum: Self::Sum, steps: *const u8, weights: Self::Weights) -> Self::Sum {
        // The intrinsic of this instruction is not stable yet.
        // SAFETY: the caller's: four steps are there, aligned or not; the instruction only touches registers.
        unsafe {
            let steps = vdupq_n_s32(steps.cast::<i32>().read_unaligned());
            asm!(
                "sdot {sum:v}.4s, {weights:v}.16b, {steps:v}.16b",
                sum = inout(vreg) sum,
                weights = in(vreg) weights,
                steps = in(vreg) steps,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sum
    }

    #[inline(always)]
    unsafe fn to_floats(sum: Self::Sum) -> Self {
        // SAFETY: the caller's.
        unsafe { vcvtq_f32_s32(sum) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { vmulq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn store_steps(self, to: *mut u8) {
        // SAFETY: the caller's: 4 bytes are there. Both narrowings saturate.
        unsafe {
            let most = vdupq_n_f32(127.0);
            let limited = vbslq_f32(vcltq_f32(self, most), self, most);
            let words = vqmovn_s32(vcvtnq_s32_f32(limited));
            let steps = vqmovn_s16(vcombine_s16(words, words));
            to.cast::<u32>().write_unaligned(vget_lane_u32(vreinterpret_u32_s8(steps), 0));
        }
    }
}

table!(float32x4_t, 4, "neon,dotprod");
