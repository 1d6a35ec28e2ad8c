//! Class votes: what every block that saw a voxel said of it.

/// How much of the older votes is kept when a newer block speaks: the map is better seen now than
/// it was then, so the newest view weighs most, yet no single block decides alone.
const KEPT: f32 = 0.7;

/// Class probabilities accumulated per voxel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassVotes {
    classes: usize,
    weight: Vec<f32>,
}

impl ClassVotes {
    /// No voxel yet, `classes` candidates.
    pub fn new(classes: usize) -> Self {
        Self { classes, weight: Vec::new() }
    }

    pub(super) fn push(&mut self) {
        self.weight.resize(self.weight.len() + self.classes, 0.0);
    }

    pub(super) fn clear(&mut self) {
        self.weight.clear();
    }

    pub(super) fn swap_remove(&mut self, voxel: usize) {
        let last = self.weight.len() - self.classes;
        self.weight.copy_within(last.., voxel * self.classes);
        self.weight.truncate(last);
    }

    /// Forgets what was said of a voxel.
    pub(super) fn forget(&mut self, voxel: u32) {
        self.weight[voxel as usize * self.classes..][..self.classes].fill(0.0);
    }

    /// Adds one block's opinion of a voxel: the softmax of `logits`, scaled by `trust` in 0..=1. What
    /// was said before fades as far as the new opinion is trusted.
    pub fn add(&mut self, voxel: u32, logits: &[f32], trust: f32) {
        let start = voxel as usize * self.classes;
        let votes = &mut self.weight[start..start + self.classes];
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|logit| libm::expf(logit - highest)).sum();
        let kept = 1.0 - (1.0 - KEPT) * trust;
        for (vote, logit) in votes.iter_mut().zip(logits) {
            *vote = *vote * kept + trust * libm::expf(logit - highest) / sum;
        }
    }

    /// The class with most votes (the smallest index on a tie) and its share of them, or `None`
    /// for a voxel that no block has judged.
    pub fn winner(&self, voxel: u32) -> Option<(u16, f32)> {
        let start = voxel as usize * self.classes;
        let votes = &self.weight[start..start + self.classes];
        let total: f32 = votes.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let mut best = 0;
        for (class, &vote) in votes.iter().enumerate() {
            if vote > votes[best] {
                best = class;
            }
        }
        Some((best as u16, votes[best] / total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_voted_means_no_winner() {
        let mut votes = ClassVotes::new(3);
        votes.push();
        assert_eq!(votes.winner(0), None);
    }

    #[test]
    fn newer_blocks_outweigh_older_ones() {
        let mut votes = ClassVotes::new(3);
        votes.push();
        votes.add(0, &[9.0, 0.0, 0.0], 1.0);
        assert_eq!(votes.winner(0).map(|(class, _)| class), Some(0));
        votes.add(0, &[0.0, 9.0, 0.0], 1.0);
        let (class, share) = votes.winner(0).expect("two votes");
        assert_eq!(class, 1);
        assert!((0.5..0.7).contains(&share));
    }

    #[test]
    fn an_opinion_without_trust_changes_nothing() {
        let mut votes = ClassVotes::new(2);
        votes.push();
        votes.add(0, &[4.0, 1.0], 1.0);
        let before = votes.clone();
        votes.add(0, &[0.0, 9.0], 0.0);
        assert_eq!(votes, before);
    }

    #[test]
    fn removal_moves_the_last_voxel_into_the_gap() {
        let mut votes = ClassVotes::new(2);
        for _ in 0..3 {
            votes.push();
        }
        votes.add(2, &[0.0, 5.0], 1.0);
        votes.swap_remove(0);
        assert_eq!(votes.winner(0).map(|(class, _)| class), Some(1));
        assert_eq!(votes.winner(1), None);
    }
}
