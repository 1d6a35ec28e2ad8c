//! Picks lanes with the compressing stores of AVX-512.

use std::arch::x86_64::*;

use super::candidates::{Candidates, LANES, Pick};
use super::tree::LEAF;

/// Sixteen lanes at once.
pub(super) struct Compress;

impl Pick for Compress {
    #[inline(always)]
    unsafe fn count(distance: &[f32], limit: f32) -> usize {
        let mut count = 0;
        for chunk in distance.as_chunks::<LANES>().0 {
            // SAFETY: the processor has the instructions (the trait's contract); a chunk has as many values as are read.
            let near =
                unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_loadu_ps(chunk.as_ptr()), _mm512_set1_ps(limit)) };
            count += near.count_ones();
        }
        count as usize
    }

    #[inline(always)]
    unsafe fn append(distance: &[f32; LEAF], index: &[u32], limit: f32, candidates: &mut Candidates) {
        assert!(candidates.count + LEAF <= candidates.distance.len().min(candidates.index.len()));
        // SAFETY: the processor has the instructions (the trait's contract). Distances are read within `LEAF`; indices are
        // read, and both are written, by mask: indices only where there are some, and as many of each as there is room.
        unsafe {
            let limit = _mm512_set1_ps(limit);
            for start in (0..LEAF).step_by(LANES) {
                let there = index.len().saturating_sub(start).min(LANES);
                let there = ((1_u32 << there) - 1) as __mmask16;
                let distance = _mm512_loadu_ps(distance.as_ptr().add(start));
                let index = _mm512_maskz_loadu_epi32(there, index.as_ptr().wrapping_add(start).cast());
                let near = _mm512_mask_cmp_ps_mask::<_CMP_LE_OQ>(there, distance, limit);
                let at = candidates.count;
                // A compression in the register and a whole store: the compressing store is slow on some processors.
                let distance = _mm512_maskz_compress_ps(near, distance);
                let index = _mm512_maskz_compress_epi32(near, index);
                _mm512_storeu_ps(candidates.distance.as_mut_ptr().add(at), distance);
                _mm512_storeu_si512(candidates.index.as_mut_ptr().add(at).cast(), index);
                candidates.count += near.count_ones() as usize;
            }
        }
    }

    #[inline(always)]
    unsafe fn keep_up_to(limit: f32, candidates: &mut Candidates) {
        let end = candidates.count.next_multiple_of(LANES);
        assert!(end <= candidates.distance.len().min(candidates.index.len()));
        let mut kept = 0;
        // SAFETY: as above. What is written lies at or before what was read, so nothing unread is lost; beyond the last
        // candidate distances are infinite and are never kept.
        unsafe {
            let limit = _mm512_set1_ps(limit);
            for start in (0..end).step_by(LANES) {
                let distance = _mm512_loadu_ps(candidates.distance.as_ptr().add(start));
                let index = _mm512_loadu_si512(candidates.index.as_ptr().add(start).cast());
                let near = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(distance, limit);
                let (distance, index) =
                    (_mm512_maskz_compress_ps(near, distance), _mm512_maskz_compress_epi32(near, index));
                _mm512_storeu_ps(candidates.distance.as_mut_ptr().add(kept), distance);
                _mm512_storeu_si512(candidates.index.as_mut_ptr().add(kept).cast(), index);
                kept += near.count_ones() as usize;
            }
        }
        candidates.count = kept;
    }
}
