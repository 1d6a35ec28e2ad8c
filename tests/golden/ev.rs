//! Golden files `ev*.npz`.
