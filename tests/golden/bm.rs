//! Golden files `bm*.npz`.
