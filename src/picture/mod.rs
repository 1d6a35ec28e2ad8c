//! Labelled clouds as images.
