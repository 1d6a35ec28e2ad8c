//! One frame's way, stage by stage.
