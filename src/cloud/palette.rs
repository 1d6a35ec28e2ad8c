//! Colours for things that have only a number.

use super::NO_INSTANCE;

/// Colour of points that belong to no instance, red, green, blue.
const NOBODY: [u8; 3] = [90, 90, 90];

/// A colour for an instance: the same for the same id, far from that of the ids before and after
/// it; grey for [`NO_INSTANCE`].
pub fn instance_colour(instance: u32) -> [u8; 3] {
    if instance == NO_INSTANCE {
        return NOBODY;
    }
    // Hue by the golden ratio, in units of 1/1536 turn (six ramps of 256); every third id darker.
    let hue = ((instance.wrapping_mul(0x9E37_79B9) >> 16) * 1536) >> 16;
    let (sextant, rise) = (hue >> 8, hue & 255);
    let [r, g, b] = match sextant {
        0 => [255, rise, 0],
        1 => [255 - rise, 255, 0],
        2 => [0, 255, rise],
        3 => [0, 255 - rise, 255],
        4 => [rise, 0, 255],
        _ => [255, 0, 255 - rise],
    };
    // Lifted off black and pure primaries, then dimmed: 40..=255 at most.
    let level = 100 - 20 * (instance % 3);
    [r, g, b].map(|value| ((40 + value * 215 / 255) * level / 100) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ() {
        assert_eq!(instance_colour(0), NOBODY);
        let far = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
        for id in 1..1000 {
            assert!(far(instance_colour(id), instance_colour(id + 1)) > 60, "{id}");
        }
        assert_eq!(instance_colour(u32::MAX), instance_colour(u32::MAX));
    }
}
