//! Fringe: the tiny clusters that mean-shift finds between the large ones.
//!
//! Embeddings of points on the edge of an object fall between two clouds of embeddings, and
//! mean-shift, which has no notion of noise, makes a cluster of every handful. The reference keeps
//! them, and its merging turns them into instance 0. On the robot their points join the nearest
//! large cluster, if its centre is near enough, and no cluster otherwise.

use super::mean_shift::{Clusters, NO_CLUSTER};

/// When a cluster is fringe, and how far its points may go. Holds its buffers.
#[derive(Clone, Debug)]
pub struct Fringe {
    minimum_points: u32,
    limit: f64,
    sizes: Vec<u32>,
    renumbered: Vec<u32>,
    large: Vec<f32>,
}

impl Fringe {
    /// Clusters of fewer than `minimum_points` are fringe; their points join a large cluster whose
    /// centre is at most `limit` away (Euclidean, in embedding units; one to two bandwidths).
    pub fn new(minimum_points: u32, limit: f64) -> Self {
        Self { minimum_points, limit, sizes: Vec::new(), renumbered: Vec::new(), large: Vec::new() }
    }

    /// Makes room for `clusters` clusters of embeddings of `size` values.
    pub fn reserve(&mut self, clusters: usize, size: usize) {
        self.sizes.reserve(clusters.saturating_sub(self.sizes.len()));
        self.renumbered.reserve(clusters.saturating_sub(self.renumbered.len()));
        self.large.reserve((clusters * size).saturating_sub(self.large.len()));
    }

    /// Resolves the fringe of `clusters`, which were found in these `embeddings`. The large clusters
    /// remain, renumbered without gaps in their old order. Returns how many points were fringe.
    ///
    /// Cost: at most one distance a fringe point and large cluster. A fringe point without a row in
    /// `embeddings` joins no cluster.
    pub fn absorb(&mut self, embeddings: &[f32], clusters: &mut Clusters) -> usize {
        clusters.sizes(&mut self.sizes);
        let size = clusters.size;
        self.renumbered.clear();
        self.large.clear();
        for (cluster, &points) in self.sizes.iter().enumerate() {
            if points >= self.minimum_points {
                self.renumbered.push((self.large.len() / size) as u32);
                self.large.extend_from_slice(&clusters.centre[cluster * size..][..size]);
            } else {
                self.renumbered.push(NO_CLUSTER);
            }
        }
        let mut fringe = 0;
        for (point, label) in clusters.label.iter_mut().enumerate() {
            let Some(&kept) = self.renumbered.get(*label as usize) else { continue };
            *label = kept;
            if kept == NO_CLUSTER {
                fringe += 1;
                if let Some(row) = embeddings.get(point * size..(point + 1) * size) {
                    *label = nearest_within(&self.large, row, self.limit);
                }
            }
        }
        clusters.centre.clear();
        clusters.centre.extend_from_slice(&self.large);
        fringe
    }
}

/// Nearest centre within the limit, the first of equals.
fn nearest_within(centres: &[f32], row: &[f32], limit: f64) -> u32 {
    let mut best = (NO_CLUSTER, limit * limit);
    for (index, centre) in centres.chunks_exact(row.len()).enumerate() {
        let squared = centre.iter().zip(row).fold(0.0, |sum, (&centre, &value)| {
            let difference = f64::from(centre) - f64::from(value);
            sum + difference * difference
        });
        if squared < best.1 || (best.0 == NO_CLUSTER && squared == best.1) {
            best = (index as u32, squared);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(label: &[u32], centre: &[f32]) -> Clusters {
        Clusters { label: label.to_vec(), centre: centre.to_vec(), size: 1, ..Clusters::default() }
    }

    #[test]
    fn fringe_joins_the_nearest_large_cluster_within_the_limit() {
        let embeddings = [0.0, 0.0, 5.0, 5.0, 1.0, 3.5, 9.0, f32::NAN];
        let mut found = clusters(&[1, 1, 2, 2, 0, 3, 4, NO_CLUSTER], &[1.0, 0.0, 5.0, 3.5, 9.0]);
        assert_eq!(Fringe::new(2, 1.5).absorb(&embeddings, &mut found), 3);
        assert_eq!(found.label, [0, 0, 1, 1, 0, 1, NO_CLUSTER, NO_CLUSTER]);
        assert_eq!(found.centre, [0.0, 5.0]);
    }

    #[test]
    fn without_large_clusters_nothing_remains() {
        let mut found = clusters(&[0, 1], &[1.0, 2.0]);
        assert_eq!(Fringe::new(2, f64::INFINITY).absorb(&[1.0, 2.0], &mut found), 2);
        assert_eq!((found.count(), found.label.as_slice()), (0, [NO_CLUSTER; 2].as_slice()));
        assert_eq!(Fringe::new(2, 1.0).absorb(&[], &mut Clusters::default()), 0);
    }

    #[test]
    fn large_clusters_stay_as_they_are() {
        let mut found = clusters(&[0, 1, 1], &[1.0, 2.0]);
        let before = found.clone();
        assert_eq!(Fringe::new(1, 1.0).absorb(&[1.0, 2.0, 2.0], &mut found), 0);
        assert_eq!(found, before);
    }
}
