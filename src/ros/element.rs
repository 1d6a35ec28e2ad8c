//! What a message is made of: every value that CDR can hold, read and written by one trait.

use super::cdr::{CdrError, CdrReader, CdrWriter};

/// A field of a message, or an element of a [`super::Sequence`].
pub trait Element<'a>: Copy {
    /// Fewest bytes that an element takes, padding not counted. Must be at least 1.
    const SMALLEST: usize;

    /// Reads one element; `field` is what it is called where it stands, for errors.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes.
    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError>;

    /// Writes one element.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] for a text or a list whose length does not fit 32 bits.
    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError>;
}

macro_rules! numbers {
    ($($kind:ident)*) => {
        $(impl<'a> Element<'a> for $kind {
            const SMALLEST: usize = size_of::<$kind>();

            #[inline]
            fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
                reader.$kind(field)
            }

            #[inline]
            fn write(&self, writer: &mut CdrWriter<'_>, _field: &'static str) -> Result<(), CdrError> {
                writer.$kind(*self);
                Ok(())
            }
        })*
    };
}

numbers!(bool i8 u8 i16 u16 i32 u32 i64 u64 f32 f64);

impl<'a> Element<'a> for &'a str {
    const SMALLEST: usize = 4;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        reader.text(field)
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        writer.text(field, self)
    }
}

/// `uint8[]` and `byte[]`.
impl<'a> Element<'a> for &'a [u8] {
    const SMALLEST: usize = 4;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        reader.bytes(field)
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        writer.bytes(field, self)
    }
}

/// `T[N]`; also a point, a vector, a quaternion or a colour, whose fields lie in the same way.
impl<'a, T: Element<'a> + Default, const N: usize> Element<'a> for [T; N] {
    const SMALLEST: usize = N * T::SMALLEST;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::read(reader, field)?;
        }
        Ok(values)
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        self.iter().try_for_each(|value| value.write(writer, field))
    }
}

/// `T[<=1]`.
impl<'a, T: Element<'a>> Element<'a> for Option<T> {
    const SMALLEST: usize = 4;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        match reader.sequence_length(field, T::SMALLEST)? {
            0 => Ok(None),
            1 => T::read(reader, field).map(Some),
            more => Err(CdrError::TooMany { field, maximum: 1, actual: u64::from(more) }),
        }
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        writer.length(field, usize::from(self.is_some()))?;
        self.iter().try_for_each(|value| value.write(writer, field))
    }
}

/// Declares the struct of a `.msg`: its fields lie in the message in the order in which they stand here.
macro_rules! structure {
    ($(#[$about:meta])* pub struct $name:ident<$life:lifetime> { $($fields:tt)* }) => {
        $crate::ros::element::structure! { @struct [$(#[$about])*] $name [<$life>] $($fields)* }
        $crate::ros::element::structure! { @element $name [$life] [$name<$life>] $($fields)* }
    };
    ($(#[$about:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $crate::ros::element::structure! { @struct [$(#[$about])*] $name [] $($fields)* }
        $crate::ros::element::structure! { @element $name ['a] [$name] $($fields)* }
    };
    (@struct [$($about:tt)*] $name:ident [$($life:tt)*] $($(#[$note:meta])* pub $field:ident: $kind:ty,)*) => {
        $($about)*
        pub struct $name $($life)* { $($(#[$note])* pub $field: $kind,)* }
    };
    (@element $name:ident [$life:lifetime] [$($whole:tt)*] $($(#[$note:meta])* pub $field:ident: $kind:ty,)*) => {
        impl<$life> $crate::ros::Element<$life> for $($whole)* {
            const SMALLEST: usize = 0 $(+ <$kind as $crate::ros::Element<$life>>::SMALLEST)*;

            fn read(
                reader: &mut $crate::ros::cdr::CdrReader<$life>,
                _field: &'static str,
            ) -> Result<Self, $crate::ros::CdrError> {
                Ok(Self {
                    $($field: $crate::ros::Element::read(reader, concat!(stringify!($name), ".", stringify!($field)))?,)*
                })
            }

            fn write(
                &self,
                writer: &mut $crate::ros::cdr::CdrWriter<'_>,
                _field: &'static str,
            ) -> Result<(), $crate::ros::CdrError> {
                $($crate::ros::Element::write(&self.$field, writer, concat!(stringify!($name), ".", stringify!($field)))?;)*
                Ok(())
            }
        }
    };
}

pub(super) use structure;
