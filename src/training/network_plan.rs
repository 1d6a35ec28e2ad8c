//! Which geometry plan the blocks of a network need.

use super::FeedError;
use crate::geometry::PlanSpecification;
use crate::network::zoo::{NAMES, Sizes, by_name};

/// The plan of a network's blocks of `points` points.
///
/// The published sizes are those of 4096 points; other blocks keep the same shares of their points, so
/// that smaller blocks make a cheaper network of the same shape ([`Sizes::scaled`]).
///
/// # Errors
/// [`FeedError::Network`] for a name that is not in [`NAMES`] (the part variants are for objects, and
/// this feed cuts rooms); [`FeedError::Points`] unless `points` is a positive multiple of 256, so that
/// no level is empty.
pub fn network_plan(network: &str, points: usize) -> Result<PlanSpecification, FeedError> {
    if !NAMES.contains(&network) {
        return Err(FeedError::Network { network: network.to_owned() });
    }
    if points == 0 || !points.is_multiple_of(256) {
        return Err(FeedError::Points { points, minimum: 256 });
    }
    let architecture = by_name(network, &Sizes::published(network)?.scaled(points))?;
    Ok(architecture.plan_specification())
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
        for network in NAMES {
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
