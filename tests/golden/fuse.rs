//! Golden files `fuse*.npz`.
