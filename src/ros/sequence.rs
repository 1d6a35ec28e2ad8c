//! `T[]` inside a message, without an allocation.

use super::Element;
use super::cdr::{CdrError, CdrReader, CdrWriter};

/// A list of elements: either a slice of the caller's, or checked bytes of a message that are
/// decoded anew at every iteration (fields and transforms are few and short).
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a, T>(Source<'a, T>);

#[derive(Clone, Copy, Debug)]
enum Source<'a, T> {
    Listed(&'a [T]),
    Encoded { reader: CdrReader<'a>, count: u32, field: &'static str },
}

impl<'a, T: Element<'a>> Sequence<'a, T> {
    /// The elements of a slice.
    pub fn listed(elements: &'a [T]) -> Self {
        Self(Source::Listed(elements))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Listed(elements) => elements.len(),
            Source::Encoded { count, .. } => count as usize,
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in order.
    pub fn iter(&self) -> SequenceIter<'a, T> {
        SequenceIter(self.0)
    }
}

/// `T[]`. Reading walks over the sequence once, so that later iterations cannot fail.
impl<'a, T: Element<'a>> Element<'a> for Sequence<'a, T> {
    const SMALLEST: usize = 4;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        let count = reader.sequence_length(field, T::SMALLEST)?;
        let start = *reader;
        for _ in 0..count {
            T::read(reader, field)?;
        }
        Ok(Self(Source::Encoded { reader: start, count, field }))
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        writer.length(field, self.len())?;
        self.iter().try_for_each(|element| element.write(writer, field))
    }
}

impl<T> Default for Sequence<'_, T> {
    fn default() -> Self {
        Self(Source::Listed(&[]))
    }
}

impl<'a, T: Element<'a>> IntoIterator for Sequence<'a, T> {
    type Item = T;
    type IntoIter = SequenceIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T: Element<'a> + PartialEq> PartialEq for Sequence<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Iterates over a [`Sequence`].
#[derive(Clone, Debug)]
pub struct SequenceIter<'a, T>(Source<'a, T>);

impl<'a, T: Element<'a>> Iterator for SequenceIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Source::Listed(elements) => {
                let (first, rest) = elements.split_first()?;
                *elements = rest;
                Some(*first)
            }
            Source::Encoded { reader, count, field } => {
                *count = count.checked_sub(1)?;
                T::read(reader, field).ok()
            }
        }
    }
}
