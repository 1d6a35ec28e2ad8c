//! What the robot remembers: a rolling voxel grid with label votes.
