//! Sliding windows over a map or room, sampling, and the nine input features.
