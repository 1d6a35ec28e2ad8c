//! What surfaces look like to a camera and to an infrared sensor.

use glam::Vec3A;

use super::random::{Random, hash3};

/// How the colour varies over a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// Faint blotches only.
    Plain,
    /// Streaks along x or y: wood.
    Grain,
    /// Square tiles of the given side in metres, with dark joints.
    Tiles(f32),
    /// Fine speckle: carpet, fabric, chip board.
    Speckle,
    /// Stripes of the given width in metres along x and y: woven cloth, blinds, slatted wood.
    Stripes(f32),
    /// Lines of writing, level: what people leave on boards.
    Writing,
}

/// Look of a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    /// Linear red, green, blue reflectance, 0..=1.
    pub albedo: [f32; 3],
    /// How the colour varies.
    pub pattern: Pattern,
    /// Relative strength of the variation.
    pub contrast: f32,
    /// Share of infrared light that comes back, 0..=1; below 0.1 range sensors lose returns.
    pub reflectivity: f32,
    /// Probability that a range ray passes through, 0..=1 (glass).
    pub transparency: f32,
}

impl Material {
    /// An opaque plain surface.
    pub fn plain(albedo: [f32; 3]) -> Self {
        let mean = (albedo[0] + albedo[1] + albedo[2]) / 3.0;
        Self { albedo, pattern: Pattern::Plain, contrast: 0.05, reflectivity: 0.05 + 0.9 * mean, transparency: 0.0 }
    }

    /// The same with another pattern.
    pub fn with(mut self, pattern: Pattern, contrast: f32) -> Self {
        self.pattern = pattern;
        self.contrast = contrast;
        self
    }

    /// Reflectance at a point of the surface.
    pub fn colour_at(&self, point: Vec3A) -> [f32; 3] {
        let cell = |scale: f32, salt: u32| {
            hash3(
                (point.x * scale).floor() as i32,
                (point.y * scale).floor() as i32,
                (point.z * scale).floor() as i32,
                salt,
            ) - 0.5
        };
        let fine = cell(170.0, 1) * 0.5;
        let variation = match self.pattern {
            Pattern::Plain => fine + cell(3.1, 2) * 0.15,
            Pattern::Speckle => 2.0 * fine + cell(60.0, 3),
            Pattern::Grain => {
                // Planks of 12 cm that end anywhere, with streaks along them.
                let plank = (point.y * 8.0).floor() as i32;
                let end = (point.x * 0.7 + 7.0 * hash3(0, plank, 0, 6)).floor() as i32;
                let streak = hash3(end, (point.y * 90.0) as i32, (point.z * 90.0) as i32, 4);
                fine + 0.7 * streak + 0.6 * hash3(end, plank, 0, 7) - 0.65
            }
            Pattern::Stripes(width) => {
                let stripe = |v: f32| if (v / width).floor() as i32 & 1 == 0 { 0.5 } else { -0.5 };
                fine + stripe(point.x + point.y)
            }
            Pattern::Writing => {
                // Lines 9 cm apart; words begin and end anywhere; whole areas stay empty.
                let along = point.x + point.y;
                let line = (point.z / 0.09).floor() as i32;
                let within = point.z / 0.09 - line as f32;
                let area = hash3((along / 0.7).floor() as i32, line.div_euclid(4), 0, 8);
                let stroke = hash3((along * 90.0).floor() as i32, line, (within * 6.0) as i32, 9);
                let word = hash3((along / 0.13).floor() as i32, line, 1, 10);
                let written = area < 0.5 && word < 0.75 && (0.25..0.75).contains(&within) && stroke < 0.4;
                fine * 0.3 + if written { -3.0 } else { 0.0 }
            }
            Pattern::Tiles(side) => {
                let joint = |v: f32| {
                    let part = v / side - (v / side).floor();
                    part * side < 0.012
                };
                let tile = hash3((point.x / side).floor() as i32, (point.y / side).floor() as i32, 0, 5) - 0.5;
                fine + tile + if joint(point.x) || joint(point.y) { -2.5 } else { 0.0 }
            }
        };
        let factor = (1.0 + self.contrast * variation * 2.0).max(0.1);
        self.albedo.map(|channel| channel * factor)
    }
}

/// Hue (turns), saturation and value to linear-ish red, green, blue.
pub(crate) fn hue(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let channel = |offset: f32| {
        let k = (offset + hue * 6.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

/// Random materials of the kinds that rooms are made of.
impl Random {
    fn any_colour(&mut self) -> [f32; 3] {
        let (h, s, v) = (self.unit(), self.range(0.1, 0.8), self.range(0.08, 0.9));
        hue(h, s, v)
    }

    pub(crate) fn paint(&mut self) -> Material {
        if self.chance(0.12) {
            return Material::plain(self.any_colour());
        }
        let (h, s, v) = (self.range(0.02, 0.2), self.range(0.0, 0.18), self.range(0.55, 0.95));
        Material::plain(hue(h, s, v)).with(Pattern::Plain, self.range(0.01, 0.08))
    }

    pub(crate) fn ceiling(&mut self) -> Material {
        let v = self.range(0.6, 0.95);
        let pattern = if self.chance(0.5) { Pattern::Tiles(self.pick(&[0.6, 0.625, 1.2])) } else { Pattern::Plain };
        Material::plain(hue(0.1, self.range(0.0, 0.08), v)).with(pattern, self.range(0.02, 0.08))
    }

    pub(crate) fn flooring(&mut self) -> Material {
        match self.count(0, 3) {
            0 => self.wood().with(Pattern::Grain, 0.15),
            1 => {
                let side = self.range(0.25, 0.65);
                let colour = hue(self.unit(), self.range(0.0, 0.15), self.range(0.3, 0.8));
                Material::plain(colour).with(Pattern::Tiles(side), 0.12)
            }
            2 => {
                let colour = hue(self.unit(), self.range(0.05, 0.5), self.range(0.12, 0.5));
                Material::plain(colour).with(Pattern::Speckle, 0.25)
            }
            _ => {
                let colour = hue(self.range(0.05, 0.65), self.range(0.0, 0.2), self.range(0.2, 0.7));
                Material::plain(colour).with(Pattern::Speckle, 0.1)
            }
        }
    }

    pub(crate) fn wood(&mut self) -> Material {
        let colour = hue(self.range(0.04, 0.12), self.range(0.2, 0.7), self.range(0.18, 0.85));
        Material::plain(colour).with(Pattern::Grain, self.range(0.05, 0.2))
    }

    /// Table tops, shelves: wood, white or grey laminate, sometimes anything.
    pub(crate) fn board_material(&mut self) -> Material {
        match self.count(0, 9) {
            0..=4 => self.wood(),
            5..=6 => Material::plain(hue(0.1, 0.03, self.range(0.7, 0.95))),
            7..=8 => Material::plain(hue(0.6, 0.05, self.range(0.25, 0.6))),
            _ => Material::plain(self.any_colour()),
        }
    }

    pub(crate) fn metal(&mut self) -> Material {
        let v = if self.chance(0.4) { self.range(0.04, 0.15) } else { self.range(0.35, 0.75) };
        Material::plain(hue(0.6, 0.05, v))
    }

    pub(crate) fn fabric(&mut self) -> Material {
        let colour = match self.count(0, 4) {
            0 => hue(0.6, 0.1, self.range(0.03, 0.12)),
            1 => hue(0.6, 0.08, self.range(0.15, 0.5)),
            2 => hue(self.range(0.05, 0.12), self.range(0.2, 0.6), self.range(0.2, 0.7)),
            _ => self.any_colour(),
        };
        let pattern = if self.chance(0.1) { Pattern::Stripes(self.range(0.01, 0.08)) } else { Pattern::Speckle };
        Material::plain(colour).with(pattern, self.range(0.05, 0.25))
    }

    pub(crate) fn plastic(&mut self) -> Material {
        if self.chance(0.4) {
            let v = if self.chance(0.5) { self.range(0.03, 0.12) } else { self.range(0.6, 0.9) };
            return Material::plain(hue(0.6, 0.05, v));
        }
        Material::plain(self.any_colour())
    }

    pub(crate) fn cardboard(&mut self) -> Material {
        let colour = hue(self.range(0.06, 0.1), self.range(0.35, 0.55), self.range(0.35, 0.65));
        Material::plain(colour).with(Pattern::Speckle, 0.06)
    }

    pub(crate) fn glass(&mut self) -> Material {
        Material { transparency: self.range(0.5, 0.98), ..Material::plain(hue(0.55, 0.15, self.range(0.5, 0.9))) }
    }

    pub(crate) fn dark_screen(&mut self) -> Material {
        Material { reflectivity: 0.05, ..Material::plain(hue(0.6, 0.2, self.range(0.02, 0.08))) }
    }

    /// White, black, green, cork or cloth; often with writing.
    pub(crate) fn board_face(&mut self) -> Material {
        let written = if self.chance(0.5) { Pattern::Writing } else { Pattern::Plain };
        match self.count(0, 9) {
            0..=5 => Material::plain([self.range(0.7, 0.95); 3]).with(written, 0.12),
            6 => Material::plain([0.04, self.range(0.06, 0.2), 0.06]).with(Pattern::Plain, 0.15),
            7 => Material::plain([self.range(0.02, 0.08); 3]).with(Pattern::Plain, 0.15),
            8 => self.cardboard(),
            _ => self.fabric(),
        }
    }

    pub(crate) fn skin(&mut self) -> Material {
        Material::plain(hue(self.range(0.03, 0.08), self.range(0.25, 0.6), self.range(0.15, 0.85)))
    }

    /// Hair is dark to an infrared sensor more often than to the eye.
    pub(crate) fn hair(&mut self) -> Material {
        let colour = hue(self.range(0.04, 0.12), self.range(0.1, 0.6), self.range(0.02, 0.5));
        Material { reflectivity: self.range(0.06, 0.3), ..Material::plain(colour).with(Pattern::Speckle, 0.2) }
    }

    /// White lacquer, the grey or beige of office cupboards, wood; now and then a colour.
    pub(crate) fn cupboard(&mut self) -> Material {
        match self.count(0, 9) {
            0..=3 => Material::plain(hue(0.1, self.range(0.0, 0.05), self.range(0.7, 0.95))),
            4..=5 => Material::plain(hue(0.12, self.range(0.0, 0.15), self.range(0.3, 0.7))),
            6..=8 => self.wood(),
            _ => Material::plain(self.any_colour()),
        }
    }

    /// Door leaves: wood, white or grey lacquer, strong colours.
    pub(crate) fn door_leaf(&mut self) -> Material {
        match self.count(0, 9) {
            0..=3 => self.wood(),
            4..=6 => Material::plain(hue(0.1, self.range(0.0, 0.08), self.range(0.6, 0.95))),
            7 => Material::plain(hue(0.6, self.range(0.0, 0.1), self.range(0.15, 0.6))),
            _ => Material::plain(self.any_colour()),
        }
    }

    pub(crate) fn leaf(&mut self) -> Material {
        let colour = hue(self.range(0.2, 0.38), self.range(0.4, 0.8), self.range(0.12, 0.45));
        Material::plain(colour).with(Pattern::Speckle, 0.3)
    }

    pub(crate) fn book_paper(&mut self) -> Material {
        Material::plain(hue(0.12, self.range(0.0, 0.06), self.range(0.75, 0.95)))
    }

    pub(crate) fn book_cover(&mut self) -> Material {
        if self.chance(0.25) {
            return Material::plain(hue(0.1, 0.08, self.range(0.6, 0.92)));
        }
        Material::plain(self.any_colour())
    }
}
