//! Parity with the seeds' reference code (`design/networks.md`).
//!
//! Every file of each prefix in `$INSTANTON_SHARED/golden` (default `../shared/golden`) is run; a
//! new file dropped there is picked up without a change here. Where the folder is absent the tests
//! say that they skip.

mod blk;
mod bm;
mod ev;
mod fuse;
mod geo;
mod ms;
mod net_asis;
mod net_jsnet;
mod net_support;
mod pipe;
mod support;
