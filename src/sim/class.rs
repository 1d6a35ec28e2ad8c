//! The thirteen S3DIS classes, in the order that every model and file of this crate uses.

/// Class names, by class index.
pub const CLASSES: [&str; 13] = [
    "ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board",
    "clutter",
];

/// Colour (red, green, blue) of each class, as the S3DIS tools of PointNet paint them.
pub const CLASS_COLOURS: [[u8; 3]; 13] = [
    [0, 255, 0],
    [0, 0, 255],
    [0, 255, 255],
    [255, 255, 0],
    [255, 0, 255],
    [100, 100, 255],
    [200, 200, 100],
    [170, 120, 200],
    [255, 0, 0],
    [200, 100, 100],
    [10, 200, 100],
    [200, 200, 200],
    [50, 50, 50],
];

/// Class index written where nothing was hit; every score ignores it.
pub const NO_CLASS: u8 = 255;

/// A class of the simulated world; `class as u8` is its index in [`CLASSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // the names say it
pub enum Class {
    Ceiling,
    Floor,
    Wall,
    Beam,
    Column,
    Window,
    Door,
    Table,
    Chair,
    Sofa,
    Bookcase,
    Board,
    Clutter,
}

impl Class {
    /// Name as in [`CLASSES`].
    pub fn name(self) -> &'static str {
        CLASSES[self as usize]
    }
}
