//! Class of a cluster: the mode of its points' classes.

use crate::cloud::INVALID_CLASS;

/// Votes of points for the class of their cluster, with a reusable table.
#[derive(Clone, Debug, Default)]
pub struct ClassVote {
    table: Vec<u32>,
}

impl ClassVote {
    /// Makes room for `clusters` clusters of points of `classes` classes.
    pub fn reserve(&mut self, clusters: usize, classes: usize) {
        self.table.reserve((clusters * classes).saturating_sub(self.table.len()));
    }

    /// Writes the most frequent class of each cluster into `cluster_class`, which is overwritten; of
    /// equals the smallest class, as `scipy.stats.mode` has it in the seeds.
    ///
    /// `cluster[i]` and `class[i]` belong to point `i`; points beyond the shorter slice do not vote,
    /// nor do points with a cluster `≥ clusters` ([`NO_CLUSTER`](super::NO_CLUSTER)) or a class
    /// `≥ classes` ([`INVALID_CLASS`]). A cluster without votes gets [`INVALID_CLASS`].
    ///
    /// Cost: one step a point, plus a table of `clusters × classes`.
    pub fn mode(
        &mut self,
        cluster: &[u32],
        class: &[u16],
        clusters: usize,
        classes: usize,
        cluster_class: &mut Vec<u16>,
    ) {
        cluster_class.clear();
        self.table.clear();
        if classes == 0 {
            cluster_class.resize(clusters, INVALID_CLASS);
            return;
        }
        self.table.resize(clusters * classes, 0);
        for (&cluster, &class) in cluster.iter().zip(class) {
            let (cluster, class) = (cluster as usize, usize::from(class));
            if cluster < clusters && class < classes {
                self.table[cluster * classes + class] += 1;
            }
        }
        cluster_class.extend(self.table.chunks_exact(classes).map(|votes| {
            let mut winner = (INVALID_CLASS, 0);
            for (class, &votes) in votes.iter().enumerate() {
                if votes > winner.1 {
                    winner = (class as u16, votes);
                }
            }
            winner.0
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grouping::NO_CLUSTER;

    fn mode(cluster: &[u32], class: &[u16], clusters: usize) -> Vec<u16> {
        let mut classes = Vec::new();
        ClassVote::default().mode(cluster, class, clusters, 13, &mut classes);
        classes
    }

    #[test]
    fn most_votes_win_and_ties_go_to_the_smallest_class() {
        assert_eq!(mode(&[0, 0, 0, 1, 1, 1, 1], &[5, 2, 5, 9, 4, 4, 9], 2), [5, 4]);
    }

    #[test]
    fn the_unlabelled_do_not_vote() {
        let cluster = [0, 0, 0, NO_CLUSTER, 7];
        assert_eq!(mode(&cluster, &[INVALID_CLASS, INVALID_CLASS, 12, 3, 3], 2), [12, INVALID_CLASS]);
        assert_eq!(mode(&[], &[], 1), [INVALID_CLASS]);
        let mut classes = Vec::new();
        ClassVote::default().mode(&[0], &[0], 1, 0, &mut classes);
        assert_eq!(classes, [INVALID_CLASS]);
    }
}
