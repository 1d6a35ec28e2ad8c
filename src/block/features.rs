//! The nine numbers that the network is told about a point.

use super::{BlockError, Extent};
use crate::cloud::Cloud;

/// Numbers per point.
pub const FEATURES: usize = 9;

/// Value of each colour channel where the sensor has no colour: the middle of the range. Training
/// drops colour to the same value, so that the network knows it.
pub const ABSENT_COLOUR: f32 = 0.5;

/// Writes the features of the points `index` of a cloud, point-major, and their block-centred
/// positions (which are columns 0..3).
///
/// With X, Y, Z the position relative to `extent.minimum`:
///
/// | column | value |
/// |---|---|
/// | 0, 1 | X, Y minus (the smallest of the sampled points + `size` / 2) |
/// | 2 | Z: height above the floor, metres |
/// | 3, 4, 5 | red, green, blue / 255, or [`ABSENT_COLOUR`] |
/// | 6, 7, 8 | X, Y, Z divided by the extent's size, clamped to 0..=1; 0 where that size is 0 |
///
/// The centre hangs on the smallest *sampled* coordinates, not on the window's corner: that is what
/// the reference does, what the published networks were trained on, and it keeps an object that
/// alone fills part of a window in the same place of the input wherever the lattice falls. Under
/// the reference protocol the room starts at the origin, so that `extent.minimum` is zero and the
/// clamp does nothing.
///
/// Arithmetic is binary64, rounded once at the end (as in the reference).
/// Source: `room2blocks_plus_normalized`, `indoor3d_util.py`.
///
/// # Errors
/// [`BlockError::Index`] for an index beyond the cloud, [`BlockError::ColourLength`] where the
/// colour column does not fit; both outputs are then empty.
pub fn write_features(
    cloud: &Cloud,
    index: &[u32],
    extent: &Extent,
    size: f32,
    features: &mut Vec<f32>,
    position: &mut Vec<[f32; 3]>,
) -> Result<(), BlockError> {
    features.clear();
    position.clear();
    let points = cloud.len();
    if let Some(&index) = index.iter().find(|&&index| index as usize >= points) {
        return Err(BlockError::Index { index, points });
    }
    if let Some(colours) = cloud.colour.as_ref().map(Vec::len).filter(|&colours| colours != points) {
        return Err(BlockError::ColourLength { points, colours });
    }

    let floor = extent.minimum.map(f64::from);
    let sides = extent.size();
    let relative = |index: u32| -> [f64; 3] {
        let point = cloud.position[index as usize];
        std::array::from_fn(|axis| f64::from(point[axis]) - floor[axis])
    };
    let smallest = index.iter().fold([f64::INFINITY; 2], |smallest, &index| {
        let [x, y, _] = relative(index);
        [smallest[0].min(x), smallest[1].min(y)]
    });
    let centre = smallest.map(|value| value + f64::from(size) / 2.0);
    let normalised = |value: f64, side: f64| if side > 0.0 { (value / side).clamp(0.0, 1.0) as f32 } else { 0.0 };

    for &index in index {
        let [x, y, z] = relative(index);
        let place = [(x - centre[0]) as f32, (y - centre[1]) as f32, z as f32];
        let colour = match &cloud.colour {
            Some(colour) => colour[index as usize].map(|channel| (f64::from(channel) / 255.0) as f32),
            None => [ABSENT_COLOUR; 3],
        };
        position.push(place);
        features.extend_from_slice(&place);
        features.extend_from_slice(&colour);
        features.extend([normalised(x, sides[0]), normalised(y, sides[1]), normalised(z, sides[2])]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let cloud = Cloud {
            position: vec![[-1.0, 2.0, 0.5], [-0.5, 2.75, 1.5], [3.0, 6.0, 2.5]],
            colour: Some(vec![[255, 0, 51], [0, 102, 255], [1, 2, 3]]),
        };
        let extent = Extent { minimum: [-1.0, 2.0, 0.5], maximum: [3.0, 6.0, 2.5] };
        let (mut features, mut position) = (Vec::new(), Vec::new());
        write_features(&cloud, &[1, 0, 1], &extent, 1.0, &mut features, &mut position).unwrap();
        assert_eq!(&features[..9], &[0.0, 0.25, 1.0, 0.0, 0.4, 1.0, 0.125, 0.1875, 0.5]);
        assert_eq!(&features[9..18], &[-0.5, -0.5, 0.0, 1.0, 0.0, 0.2, 0.0, 0.0, 0.0]);
        assert_eq!(features[..9], features[18..]);
        assert_eq!(position, [[0.0, 0.25, 1.0], [-0.5, -0.5, 0.0], [0.0, 0.25, 1.0]]);
    }

    #[test]
    fn flat_rooms_strays_and_missing_colour_are_defined() {
        let cloud = Cloud { position: vec![[1.0, 1.0, 2.0], [1.0, 1.0, -7.0]], colour: None };
        let extent = Extent { minimum: [1.0, 1.0, 2.0], maximum: [1.0, 1.0, 2.0] };
        let (mut features, mut position) = (Vec::new(), Vec::new());
        write_features(&cloud, &[0, 1], &extent, 1.0, &mut features, &mut position).unwrap();
        assert_eq!(features[..9], [-0.5, -0.5, 0.0, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0]);
        assert_eq!(features[9..], [-0.5, -0.5, -9.0, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn bad_columns_are_refused() {
        let cloud = Cloud { position: vec![[0.0; 3]; 2], colour: Some(vec![[0; 3]]) };
        let extent = Extent { minimum: [0.0; 3], maximum: [1.0; 3] };
        let (mut features, mut position) = (Vec::new(), Vec::new());
        let mut write = |index: &[u32]| write_features(&cloud, index, &extent, 1.0, &mut features, &mut position);
        assert_eq!(write(&[2]), Err(BlockError::Index { index: 2, points: 2 }));
        assert_eq!(write(&[0]), Err(BlockError::ColourLength { points: 2, colours: 1 }));
    }
}
