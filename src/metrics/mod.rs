//! The papers' scores.
