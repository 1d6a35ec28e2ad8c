//! Golden files `net_asis*.npz`.
