//! Letters.
//!
//! The glyphs are 8 × 8 bitmaps (public domain, crate `font8x8`), drawn with their corners rounded:
//! the bitmap is read as a smooth field, and ink is where the field is above one half.

use font8x8::UnicodeFonts;

use super::Image;

/// Width of a glyph relative to its height, and of the step from letter to letter.
const SQUEEZE: f32 = 0.82;
const ADVANCE: f32 = 0.72;

/// Width of a line of text in pixels.
pub(super) fn width(text: &str, size: f32) -> f32 {
    text.chars().count() as f32 * size * ADVANCE
}

/// Writes a line of text with its top left corner at (x, y), letters `size` pixels high.
pub(super) fn write(image: &mut Image, text: &str, x: f32, y: f32, size: f32, colour: [u8; 3]) {
    for (number, letter) in text.chars().enumerate() {
        let left = x + number as f32 * size * ADVANCE;
        if let Some(glyph) = glyph(letter) {
            draw(image, &glyph, left, y, size, colour);
        }
    }
}

fn glyph(letter: char) -> Option<[u8; 8]> {
    font8x8::BASIC_FONTS
        .get(letter)
        .or_else(|| font8x8::LATIN_FONTS.get(letter))
        .or_else(|| font8x8::GREEK_FONTS.get(letter))
        .or_else(|| font8x8::BASIC_FONTS.get('?'))
}

fn draw(image: &mut Image, glyph: &[u8; 8], left: f32, top: f32, size: f32, colour: [u8; 3]) {
    let ink = |column: i32, row: i32| {
        let inside = (0..8).contains(&column) && (0..8).contains(&row);
        if inside && glyph[row as usize] >> column & 1 == 1 { 1.0_f32 } else { 0.0 }
    };
    // One pixel of the picture in pixels of the glyph; the edge is that soft.
    let step = 8.0 / size;
    for y in top.floor() as i64..=(top + size).ceil() as i64 {
        for x in left.floor() as i64..=(left + size).ceil() as i64 {
            let (u, v) = ((x as f32 + 0.5 - left) * step / SQUEEZE - 0.5, (y as f32 + 0.5 - top) * step - 0.5);
            let (column, row) = (u.floor(), v.floor());
            let (a, b) = (u - column, v - row);
            let (column, row) = (column as i32, row as i32);
            let upper = ink(column, row) * (1.0 - a) + ink(column + 1, row) * a;
            let lower = ink(column, row + 1) * (1.0 - a) + ink(column + 1, row + 1) * a;
            let field = upper * (1.0 - b) + lower * b;
            blend(image, x, y, colour, ((field - 0.5) / step.max(0.25) + 0.5).clamp(0.0, 1.0));
        }
    }
}

/// Mixes a colour into a pixel; outside the picture nothing happens.
pub(super) fn blend(image: &mut Image, x: i64, y: i64, colour: [u8; 3], alpha: f32) {
    if x >= 0 && y >= 0 && x < image.width() as i64 && y < image.height() as i64 {
        let pixel = &mut image[(x as usize, y as usize)];
        for channel in 0..3 {
            let mixed = f32::from(pixel[channel]) * (1.0 - alpha) + f32::from(colour[channel]) * alpha;
            pixel[channel] = mixed.round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_leave_ink_and_stay_inside() {
        let mut image = Image::new(vec![[255; 3]; 120 * 24], 120, 24);
        write(&mut image, "chair", 4.0, 4.0, 16.0, [0; 3]);
        let dark = image.pixels().filter(|pixel| pixel[0] < 64).count();
        assert!((200..900).contains(&dark), "{dark}");
        write(&mut image, "outside \u{1F916}", -30.0, -9.0, 16.0, [0; 3]);
        write(&mut image, "outside", 1000.0, 1000.0, 16.0, [0; 3]);
        assert!((width("abc", 10.0) - 21.6).abs() < 0.01);
    }
}
