//! What the runtime says of every point.

/// Class of a point that carries no measurement (NaN, ±Inf, out of range) or was never reached.
pub const INVALID_CLASS: u16 = u16::MAX;

/// Instance id of a point that belongs to no instance.
pub const NO_INSTANCE: u32 = 0;

/// Labels of a cloud, one entry per input point in input order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// Class index of the model's class list, or [`INVALID_CLASS`].
    pub class: Vec<u16>,
    /// Instance id ≥ 1, or [`NO_INSTANCE`].
    pub instance: Vec<u32>,
    /// Confidence of the class in 0..=1.
    pub confidence: Vec<f32>,
}

impl Labels {
    /// `count` points of which nothing is known yet.
    pub fn unknown(count: usize) -> Self {
        Self { class: vec![INVALID_CLASS; count], instance: vec![NO_INSTANCE; count], confidence: vec![0.0; count] }
    }
}
