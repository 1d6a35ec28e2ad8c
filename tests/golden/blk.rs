//! Golden files `blk*.npz`.
