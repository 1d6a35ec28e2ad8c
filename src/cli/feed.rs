//! `instanton feed`: training blocks on stdout.

use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use super::Verdict;
use crate::sim::MeshLibrary;
use crate::training::{
    Augmentation, BlockProtocol, Feed, FeedOptions, Mixing, RecordedRooms, RoomSource, Split, fold_areas,
};

/// Arguments of `instanton feed`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton feed --seed 1 --points 2048 | head -1                 # the stream's header
  instanton feed --network jsnet --threads 8                      # simulated rooms, JSNet's neighbourhoods
  instanton feed --rooms my_rooms/                                # your own rooms (.npy, .npz)
  instanton feed --rooms Stanford3dDataset_v1.2_Aligned_Version --cache cache --fold 5 --protocol reference

Rooms are .npy files (columns x y z r g b class instance), .npz archives, or folders of the raw S3DIS data set.")]
pub(super) struct Arguments {
    /// The network whose neighbourhoods the blocks come with.
    #[arg(long, default_value = "asis-pointnet2")]
    network: String,
    /// Seed of the stream: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Points per block, a multiple of 256.
    #[arg(long, default_value_t = 4096)]
    points: usize,
    /// Blocks drawn from a room before another takes its place (live protocol).
    #[arg(long, default_value_t = 96)]
    blocks_per_room: usize,
    /// Which rooms: those to learn from or those to judge by.
    #[arg(long, value_enum, default_value = "training")]
    split: Split,
    /// How rooms are cut into blocks.
    #[arg(long, value_enum, default_value = "live")]
    protocol: BlockProtocol,
    /// Rooms, or folders of rooms, to draw from; simulated rooms where none is named.
    #[arg(long, num_args = 1.., value_name = "PLACE")]
    rooms: Vec<PathBuf>,
    /// Folder of Sweet Home 3D catalogues (models/training/fetch_meshes.sh): real furniture in the simulated rooms.
    #[arg(long, value_name = "DIR", conflicts_with = "rooms")]
    meshes: Option<PathBuf>,
    /// Keep the raw data set's rooms, once read, in this folder.
    #[arg(long, value_name = "DIR", requires = "rooms")]
    cache: Option<PathBuf>,
    /// Only rooms of these areas of S3DIS, such as 1,2,3,4,6.
    #[arg(long, value_delimiter = ',', requires = "rooms", conflicts_with = "fold", value_parser = clap::value_parser!(u8).range(1..=6))]
    areas: Vec<u8>,
    /// Fold of the six-fold cross validation: learn from five areas, judge by this one.
    #[arg(long, requires = "rooms", value_parser = clap::value_parser!(u8).range(1..=6))]
    fold: Option<u8>,
    /// How often to go through all blocks of the rooms (reference protocol); without end if absent.
    #[arg(long, requires = "rooms", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Share of room copies that get cuboids of other rooms set in (live protocol, training).
    #[arg(long, default_value_t = Mixing::default().share, value_parser = share)]
    mix: f64,
    /// Threads that make blocks; they do not change the stream.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    threads: u16,
    /// Blocks to write; without end if absent.
    #[arg(long)]
    count: Option<u64>,
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("expected a number from 0 to 1".to_owned()) }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    anyhow::ensure!(
        arguments.epochs.is_none() || arguments.protocol == BlockProtocol::Reference,
        "--epochs: expected --protocol reference with it; the live protocol draws without end (use --count)"
    );
    let options = FeedOptions {
        seed: arguments.seed,
        points: arguments.points,
        blocks_per_room: arguments.blocks_per_room.max(1),
        split: arguments.split,
        protocol: arguments.protocol,
        epochs: arguments.epochs,
        augmentation: Augmentation::default(),
        mixing: Mixing { share: arguments.mix, ..Mixing::default() },
        threads: arguments.threads.into(),
    };
    let feed = Feed::new(&arguments.network, source(arguments)?, options)?;
    let mut out = BufWriter::with_capacity(1 << 20, stdout());
    feed.run(&mut out, arguments.count)?;
    out.flush()?;
    Ok(Verdict::Passed)
}

fn source(arguments: &Arguments) -> anyhow::Result<RoomSource> {
    if arguments.rooms.is_empty() {
        let meshes = arguments.meshes.as_deref().map(MeshLibrary::load).transpose()?.map(Arc::new);
        return Ok(RoomSource::Simulated(meshes));
    }
    let areas = arguments.fold.map_or_else(|| arguments.areas.clone(), |fold| fold_areas(fold, arguments.split));
    let rooms = RecordedRooms::find(&arguments.rooms, &areas)?.with_cache(arguments.cache.clone());
    log::info!("{} rooms", rooms.len());
    Ok(RoomSource::Recorded(Arc::new(rooms)))
}
