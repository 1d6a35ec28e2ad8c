//! Procedural furnished scenes with exact labels, and simulated sensors that drive through them.
