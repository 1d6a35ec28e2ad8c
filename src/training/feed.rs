//! A reproducible stream of training blocks, made on as many threads as there are.
//!
//! A stream is woven of lanes that know nothing of each other: block `i` is the next one of lane
//! `i mod 16`. Lanes are spread over the threads, so the same options give the same bytes whatever
//! the number of threads.

use std::io::Write;
use std::sync::Arc;
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};

use super::lane::{LANES, Lane};
use super::{Augmentation, FeedError, Header, Mixing, RoomSource, network_plan};
use crate::geometry::PlanSpecification;
use crate::sim::CLASSES;

/// Finished blocks that wait in a lane: enough that the writer does not wait while a room is made.
const WAITING: usize = 4;

/// Which rooms the blocks come from. The two never share a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// Rooms to learn from.
    Training,
    /// Rooms to judge by; not augmented.
    Validation,
}

/// How rooms are cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BlockProtocol {
    /// As the robot cuts its map, with augmentation; windows drawn by class, without end.
    Live,
    /// As the papers do: windows of 1 m, side by side for training, by half a metre for validation,
    /// each once an epoch, 4096 points sampled anew with replacement, no augmentation.
    Reference,
}

/// What to stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedOptions {
    /// Seed of the stream: the same seed gives the same bytes.
    pub seed: u64,
    /// Points per block.
    pub points: usize,
    /// How many blocks are drawn from a room before a new one takes its place (live protocol).
    pub blocks_per_room: usize,
    /// Training or validation rooms.
    pub split: Split,
    /// How rooms are cut.
    pub protocol: BlockProtocol,
    /// How often the reference protocol goes through recorded rooms; without end if `None`.
    pub epochs: Option<u64>,
    /// How rooms are changed (live protocol, training).
    pub augmentation: Augmentation,
    /// How rooms are mixed (live protocol, training).
    pub mixing: Mixing,
    /// Threads that make blocks, 1 to 16. They do not change the stream.
    pub threads: usize,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            points: 4096,
            blocks_per_room: 96,
            split: Split::Training,
            protocol: BlockProtocol::Live,
            epochs: None,
            augmentation: Augmentation::default(),
            mixing: Mixing::default(),
            threads: 1,
        }
    }
}

/// The stream.
#[derive(Debug)]
pub struct Feed {
    options: Arc<FeedOptions>,
    source: RoomSource,
    network: String,
    specification: PlanSpecification,
    pool: rayon::ThreadPool,
}

/// One end of a lane's channel: bytes of a block, or why there are no more.
type Finished = Result<Vec<u8>, FeedError>;

impl Feed {
    /// Prepares a stream for a network of [`NAMES`](crate::network::zoo::NAMES).
    ///
    /// # Errors
    /// An unknown network, a number of points that fills no level (see [`network_plan`]), threads
    /// that cannot be had.
    pub fn new(network: &str, source: RoomSource, options: FeedOptions) -> Result<Self, FeedError> {
        let specification = network_plan(network, options.points)?;
        let threads = options.threads.clamp(1, LANES as usize);
        let refuse = |error: rayon::ThreadPoolBuildError| FeedError::Threads { threads, reason: error.to_string() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(refuse)?;
        Ok(Self {
            options: Arc::new(FeedOptions { threads, ..options }),
            source,
            network: network.to_owned(),
            specification,
            pool,
        })
    }

    /// One line about the data: where from, and all that decides the bytes.
    ///
    /// # Errors
    /// When the size of a room on disk cannot be asked for.
    pub fn describe(&self) -> Result<String, FeedError> {
        let FeedOptions { seed, split, protocol, blocks_per_room, augmentation, mixing, .. } = &*self.options;
        let source = self.source.describe()?;
        let how = match protocol {
            BlockProtocol::Live => format!("live blocks, {blocks_per_room} a room, {augmentation:?}, {mixing:?}"),
            BlockProtocol::Reference => "reference blocks".to_owned(),
        };
        let split = format!("{split:?}").to_lowercase();
        Ok(format!("{source}; {split} split, seed {seed}, {how}"))
    }

    /// Writes the header and then `count` records (all that there are if `None`).
    ///
    /// # Errors
    /// What keeps a block from being made or written. Whole records only have been written before.
    pub fn run(&self, out: &mut impl Write, count: Option<u64>) -> Result<(), FeedError> {
        let header = Header {
            network: &self.network,
            points: self.options.points,
            specification: &self.specification,
            classes: &CLASSES,
            data: &self.describe()?,
        };
        writeln!(out, "{}", header.line())?;
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..LANES).map(|_| bounded(WAITING)).unzip();
        let mut shares: Vec<Vec<(Lane, Sender<Finished>)>> = (0..self.options.threads).map(|_| Vec::new()).collect();
        for (number, sender) in senders.into_iter().enumerate() {
            let options = Arc::clone(&self.options);
            let lane = Lane::new(number as u64, options, self.source.clone(), self.specification.clone());
            shares[number % self.options.threads].push((lane, sender));
        }
        thread::scope(|scope| {
            for share in shares {
                scope.spawn(|| produce(share, &self.pool));
            }
            weave(receivers, out, count)
        })?;
        out.flush()?;
        Ok(())
    }
}

/// Makes the lanes' blocks in turn, until all have ended or nobody listens.
fn produce(mut lanes: Vec<(Lane, Sender<Finished>)>, pool: &rayon::ThreadPool) {
    while !lanes.is_empty() {
        let mut listened = true;
        lanes.retain_mut(|(lane, sender)| {
            let finished = match lane.next(pool) {
                _ if !listened => return false,
                Ok(None) => return false,
                Ok(Some(record)) => Ok(record),
                Err(error) => Err(error),
            };
            let failed = finished.is_err();
            listened = sender.send(finished).is_ok();
            listened && !failed
        });
        if !listened {
            return;
        }
    }
}

/// Takes one block of each lane in turn. Returning drops the receivers, which ends the threads.
fn weave(mut lanes: Vec<Receiver<Finished>>, out: &mut impl Write, count: Option<u64>) -> Result<(), FeedError> {
    let mut written = 0;
    while !lanes.is_empty() {
        let mut error = None;
        lanes.retain(|lane| {
            if error.is_some() || count.is_some_and(|count| written >= count) {
                return true;
            }
            let Ok(finished) = lane.recv() else { return false };
            written += 1;
            error = finished.and_then(|record| Ok(out.write_all(&record)?)).err();
            true
        });
        if let Some(error) = error {
            return Err(error);
        }
        if count.is_some_and(|count| written >= count) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(network: &str, options: FeedOptions, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let feed = Feed::new(network, RoomSource::Simulated(None), options).expect("sound options");
        feed.run(&mut bytes, Some(count)).expect("a stream in memory");
        bytes
    }

    fn small(seed: u64) -> FeedOptions {
        FeedOptions { seed, points: 512, blocks_per_room: 4, ..FeedOptions::default() }
    }

    #[test]
    fn the_header_says_how_long_the_records_are() {
        for (network, coarsest) in [("asis-pointnet2", Some(2)), ("jsnet", Some(4)), ("asis-pointnet", None)] {
            let bytes = stream(network, small(1), 3);
            let end = bytes.iter().position(|&byte| byte == b'\n').expect("a header line");
            let header: serde_json::Value = serde_json::from_slice(&bytes[..end]).expect("JSON");
            let record = header["record_bytes"].as_u64().expect("a number") as usize;
            assert_eq!(bytes.len() - end - 1, 3 * record, "{network}");
            assert_eq!(header["levels"][3]["points"].as_u64(), coarsest);
            assert_eq!(header["network"], network);
            // The classes of the first record, behind its features.
            let classes = &bytes[end + 1 + 512 * 36..end + 1 + 512 * 37];
            assert!(classes.iter().all(|&class| class < 13 || class == 255));
            assert!(classes.iter().any(|&class| class < 13));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
        let first = stream("asis-pointnet2", small(5), 40);
        assert!(first == stream("asis-pointnet2", FeedOptions { threads: 3, ..small(5) }, 40), "reproducible");
        let records = |bytes: &[u8]| bytes[bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0)..].to_vec();
        assert!(records(&first) != records(&stream("asis-pointnet2", small(6), 40)));
        let validation = FeedOptions { split: Split::Validation, ..small(5) };
        assert!(records(&first) != records(&stream("asis-pointnet2", validation, 40)));
    }

    #[test]
    fn sizes_that_fill_no_level_are_refused() {
        let options = FeedOptions { points: 1000, ..FeedOptions::default() };
        let error = Feed::new("asis-pointnet2", RoomSource::Simulated(None), options).expect_err("no multiple of 256");
        assert!(error.to_string().contains("1000"), "{error}");
    }
}
