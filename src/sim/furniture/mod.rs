//! Furniture composed of primitives, with random proportions.
//!
//! Frame of every piece: origin on the floor at the centre of its footprint, z up, +y the side that
//! faces the room (the open side of a bookcase, the side of a desk where one sits, the way a person
//! on the chair looks). A piece is drawn first (its size is then known), placed, and built at its place.

mod bookcase;
mod chair;
mod clutter;
mod person;
mod sofa;
mod table;

pub(crate) use bookcase::Bookcase;
pub(crate) use chair::{Chair, ChairStyle};
pub(crate) use clutter::{Clutter, Surrounding};
pub(crate) use person::Person;
pub(crate) use sofa::Sofa;
pub(crate) use table::{Table, TableStyle};
