//! Golden files `ms*.npz`.
