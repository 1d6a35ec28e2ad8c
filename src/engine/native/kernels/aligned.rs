//! Values that begin where a cache line does, so that no vector lies across two.

/// Bytes of a cache line.
const LINE: usize = 64;

/// A fixed number of values from the start of a cache line on.
#[derive(Debug, Default)]
pub struct Aligned<T = f32> {
    values: Vec<T>,
    offset: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        let spare = LINE / size_of::<T>().max(1);
        let values = vec![T::default(); length + spare];
        // An address that cannot be aligned leaves the values where they are: slower, not wrong.
        let offset = values.as_ptr().align_offset(LINE).min(spare);
        Self { values, offset, length }
    }

    /// A copy of values.
    pub fn of(values: &[T]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.as_mut().copy_from_slice(values);
        aligned
    }
}

impl<T> AsRef<[T]> for Aligned<T> {
    fn as_ref(&self) -> &[T] {
        &self.values[self.offset..self.offset + self.length]
    }
}

impl<T> AsMut<[T]> for Aligned<T> {
    fn as_mut(&mut self) -> &mut [T] {
        &mut self.values[self.offset..self.offset + self.length]
    }
}
