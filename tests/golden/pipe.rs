//! Golden files `pipe*.npz`.
