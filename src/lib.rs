//! Instanton: real-time 3-D instance and semantic segmentation for robots.
//!
//! A depth camera or LiDAR frame goes in; the same cloud comes out with a class and an instance
//! on every point.
//!
//! ```text
//!  sensor message ─► cloud ─► map ─► blocks ─► geometry ─► network ─► grouping ─► map ─► labelled cloud
//!  (bag, file)       decode   rolling, windows, plan: who   engine:    mean-shift,  label
//!                    + tf     voxels   4096 pts  neighbours  native     merge        votes
//!                                      × 9       whom
//! ```
//!
//! The picture in code is [`pipeline`]: one short file, each stage one named call. Replay, demo and
//! evaluation all run it.
//!
//! Cargo features, all on by default: `dds` (live topics without a ROS installation), `db3` (bags in SQLite), `plots`
//! (latency plots), `tract` (the engine that stands by).
//!
//! Arrows point one way: `cli → pipeline → stages → cloud`; [`transport`] translates at the edge.
//!
//! | module | holds | knows nothing of |
//! |---|---|---|
//! | [`cloud`] | point cloud as columns; PointCloud2 layouts; depth image → cloud; input checks | networks, maps |
//! | [`map`] | rolling voxel grid around the robot, label votes per voxel, dirty blocks | ROS, networks |
//! | [`block`] | sliding windows, sampling, the nine input features | ROS |
//! | [`geometry`] | farthest-point sampling, ball query, 3-NN; the geometry plan of a block | features, weights |
//! | [`network`] | the architectures as data, model folder, ONNX out | engines, ROS |
//! | [`engine`] | plan + features → logits + embeddings | maps, ROS |
//! | [`grouping`] | mean-shift, instance class, block merging | engines |
//! | [`latency`] | deadlines, the cost of work, a ledger for every frame, distributions | what the stages do |
//! | [`live`] | frames as they come, through the pipeline within a deadline: newest first, no backlog | where messages come from |
//! | [`node`] | the labelling node: clouds of a middleware in, labelled clouds out | which middleware |
//! | [`ros`] | messages, CDR, names, parameters, lifecycle, diagnostics, clock, tf buffer; no transport | networks |
//! | [`transport`] | bags and files, in and out; live topics over DDS | networks |
//! | [`metrics`] | the papers' scores | the pipeline |
//! | [`evaluation`] | a model on rooms with truth, as the runtime and as the seeds' test code label them | files |
//! | [`sim`] | procedural furnished scenes with exact labels, simulated sensors and drives | networks |
//! | [`recording`] | simulated drives as bags, simulated rooms as files | networks |
//! | [`picture`] | labelled clouds as images | the pipeline |
//! | [`replay`] | recordings through the pipeline: pairing, transforms, output | arguments |
//! | [`machine`] | what machine this is, and how it fares: CPU, clocks, power mode, temperatures | the pipeline |
//! | [`recurring`] | what is told ever more seldom | |
//! | [`scheduling`] | cores, real-time class, locked memory | the pipeline |
//! | [`quantisation`] | fp32 parts → int8 parts: ranges, sensitivity, integer arithmetic | files of drives |
//! | [`cli`] | one file per verb | |

pub mod block;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod engine;
pub mod evaluation;
pub mod geometry;
pub mod grouping;
pub mod instruction_set;
pub mod latency;
pub mod live;
pub mod machine;
pub mod map;
pub mod metrics;
pub mod network;
pub mod node;
pub mod picture;
pub mod pipeline;
pub mod quantisation;
pub mod recording;
pub mod recurring;
pub mod replay;
pub mod ros;
mod rounding;
pub mod scheduling;
pub mod sim;
pub mod training;
pub mod transport;
mod whole_file;
