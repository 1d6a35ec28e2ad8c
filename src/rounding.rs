//! Rounding where it is done for every point.

/// The largest whole number that is not above `value`, without the call that a floor is where the compiler may not
/// assume the instruction. Beyond 32 bits, and for what is no number, it is some number.
#[inline(always)]
pub(crate) fn round_down(value: f32) -> i32 {
    let toward_zero = value as i32;
    toward_zero.wrapping_sub(i32::from(toward_zero as f32 > value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_floor(value in -1e9..1e9_f32) {
            prop_assert_eq!(round_down(value), value.floor() as i32);
        }
    }
}
