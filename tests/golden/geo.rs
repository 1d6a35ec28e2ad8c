//! Golden files `geo*.npz`.
