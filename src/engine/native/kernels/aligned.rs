//! Values that begin where a cache line does, so that no vector lies across two.

/// Bytes of a cache line.
const LINE: usize = 64;

/// A fixed number of values from the start of a cache line on.
#[derive(Debug, Default)]
pub struct Aligned {
    values: Vec<f32>,
    offset: usize,
    length: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        let values = vec![0.0_f32; length + LINE / size_of::<f32>()];
        // An address that cannot be aligned leaves the values where they are: slower, not wrong.
        let offset = values.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        Self { values, offset, length }
    }

    /// A copy of values.
    pub fn of(values: &[f32]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.as_mut().copy_from_slice(values);
        aligned
    }
}

impl AsRef<[f32]> for Aligned {
    fn as_ref(&self) -> &[f32] {
        &self.values[self.offset..self.offset + self.length]
    }
}

impl AsMut<[f32]> for Aligned {
    fn as_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.offset..self.offset + self.length]
    }
}
