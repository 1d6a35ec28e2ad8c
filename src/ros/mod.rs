//! ROS 2 without a transport: message structs, CDR, the tf buffer.
