//! Which geometry plan the blocks of a network need.

use super::FeedError;
use crate::geometry::{KernelDensity, LevelSpecification, PlanSpecification};

/// Networks that can be fed, by the names of `models/README.md`.
pub const NETWORKS: [&str; 12] = [
    "asis-pointnet-vanilla",
    "asis-pointnet",
    "asis-pointnet2-vanilla",
    "asis-pointnet2-semantic",
    "asis-pointnet2-instance",
    "asis-pointnet2",
    "jsnet-base",
    "jsnet-backbone",
    "jsnet-pcff",
    "jsnet-instance",
    "jsnet-semantic",
    "jsnet",
];

/// Neighbour slots of every level in both papers.
const SLOTS: usize = 32;

/// Neighbours of a decoder's PointConv within its own level.
const SELF_NEAREST: usize = 16;

/// The plan of a network's blocks of `points` points (`design/networks.md` §1 and §2).
///
/// The published sizes are those of 4096 points; other blocks keep the same shares of their points,
/// so that smaller blocks make a cheaper network of the same shape. Where a level has fewer points
/// than slots are asked for, there are as many slots as points.
///
/// # Errors
/// [`FeedError::Network`] for a name that is not in [`NETWORKS`]; [`FeedError::Points`] unless
/// `points` is a positive multiple of 256, so that no level is empty.
pub fn network_plan(network: &str, points: usize) -> Result<PlanSpecification, FeedError> {
    if !NETWORKS.contains(&network) {
        return Err(FeedError::Network { network: network.to_owned() });
    }
    if points == 0 || !points.is_multiple_of(256) {
        return Err(FeedError::Points { points, minimum: 256 });
    }
    let ball = |divisor, radius| LevelSpecification::ball(points / divisor, radius, SLOTS);
    let levels = match network {
        "asis-pointnet-vanilla" | "asis-pointnet" => Vec::new(),
        "jsnet-base" => vec![ball(4, 0.1), ball(16, 0.2), ball(64, 0.4), ball(128, 0.8)],
        jsnet if jsnet.starts_with("jsnet") => {
            let fuses_levels = jsnet != "jsnet-backbone";
            let nearest = |divisor: usize, finer: usize, radius: f32, variance| {
                let slots = SLOTS.min(points / finer);
                LevelSpecification::nearest(points / divisor, slots, KernelDensity { radius, variance })
            };
            let with_decoder = |level: LevelSpecification| LevelSpecification {
                self_nearest: SELF_NEAREST.min(level.points),
                ..level
            };
            vec![
                with_decoder(ball(4, 0.1)),
                LevelSpecification { to_block: fuses_levels, ..with_decoder(nearest(16, 4, 0.2, 0.1)) },
                with_decoder(nearest(64, 16, 0.4, 0.2)),
                nearest(128, 64, 0.8, 0.4),
            ]
        }
        _ => vec![ball(4, 0.1), ball(16, 0.2), ball(64, 0.4), ball(256, 0.8)],
    };
    Ok(PlanSpecification { levels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sizes_and_those_of_small_blocks() {
        let sizes = |network: &str, points| -> Vec<_> {
            let plan = network_plan(network, points).expect("a known network");
            plan.levels.iter().map(|level| (level.points, level.slots, level.self_nearest, level.to_block)).collect()
        };
        assert_eq!(
            sizes("asis-pointnet2", 4096),
            [(1024, 32, 0, false), (256, 32, 0, false), (64, 32, 0, false), (16, 32, 0, false)]
        );
        assert_eq!(
            sizes("jsnet", 4096),
            [(1024, 32, 16, false), (256, 32, 16, true), (64, 32, 16, false), (32, 32, 0, false)]
        );
        assert!(sizes("jsnet-backbone", 4096).iter().all(|&(.., to_block)| !to_block));
        assert_eq!(
            sizes("jsnet", 512),
            [(128, 32, 16, false), (32, 32, 16, true), (8, 32, 8, false), (4, 8, 0, false)]
        );
        assert!(sizes("asis-pointnet", 4096).is_empty());
        for network in NETWORKS {
            for points in [256, 1024, 4096] {
                network_plan(network, points).expect("a known network").check(points).expect("a plan for any block");
            }
        }
    }

    #[test]
    fn unknown_networks_are_named() {
        let error = network_plan("jsnet2", 4096).expect_err("no such network").to_string();
        assert!(error.contains("jsnet2") && error.contains("jsnet-pcff"), "{error}");
        assert!(network_plan("jsnet", 1000).is_err());
    }
}
