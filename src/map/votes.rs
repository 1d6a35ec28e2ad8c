//! Class votes: what every block that saw a voxel said of it.

/// How much of the older votes is kept when a newer block speaks: the map is better seen now than
/// it was then, so the newest view weighs most, yet no single block decides alone.
const KEPT: f32 = 0.7;

/// Class probabilities accumulated per voxel, and the class that leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassVotes {
    classes: usize,
    weight: Vec<f32>,
    /// Asked for every point of every frame, changed by blocks only. A share of 0: nobody voted.
    winner: Vec<(u16, f32)>,
}

impl ClassVotes {
    /// No voxel yet, `classes` candidates.
    pub fn new(classes: usize) -> Self {
        Self { classes, ..Self::default() }
    }

    pub(super) fn push(&mut self) {
        self.weight.resize(self.weight.len() + self.classes, 0.0);
        self.winner.push((0, 0.0));
    }

    pub(super) fn clear(&mut self) {
        self.weight.clear();
        self.winner.clear();
    }

    pub(super) fn swap_remove(&mut self, voxel: usize) {
        let last = self.weight.len() - self.classes;
        self.weight.copy_within(last.., voxel * self.classes);
        self.weight.truncate(last);
        self.winner.swap_remove(voxel);
    }

    /// Forgets what was said of a voxel.
    pub(super) fn forget(&mut self, voxel: u32) {
        self.weight[voxel as usize * self.classes..][..self.classes].fill(0.0);
        self.winner[voxel as usize] = (0, 0.0);
    }

    /// Adds one block's opinion of a voxel: its class probabilities, scaled by `trust` in 0..=1. What
    /// was said before fades as far as the new opinion is trusted.
    pub fn add(&mut self, voxel: u32, opinion: &[f32], trust: f32) {
        let start = voxel as usize * self.classes;
        let votes = &mut self.weight[start..start + self.classes];
        let kept = 1.0 - (1.0 - KEPT) * trust;
        for (vote, probability) in votes.iter_mut().zip(opinion) {
            *vote = *vote * kept + trust * probability;
        }
        let total: f32 = votes.iter().sum();
        let mut best = 0;
        for (class, &vote) in votes.iter().enumerate() {
            if vote > votes[best] {
                best = class;
            }
        }
        self.winner[voxel as usize] = if total > 0.0 { (best as u16, votes[best] / total) } else { (0, 0.0) };
    }

    /// The class with most votes (the smallest index on a tie) and its share of them, or `None`
    /// for a voxel that no block has judged.
    pub fn winner(&self, voxel: u32) -> Option<(u16, f32)> {
        Some(self.winner[voxel as usize]).filter(|&(_, share)| share > 0.0)
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
        votes.add(0, &[1.0, 0.0, 0.0], 1.0);
        assert_eq!(votes.winner(0).map(|(class, _)| class), Some(0));
        votes.add(0, &[0.0, 1.0, 0.0], 1.0);
        let (class, share) = votes.winner(0).expect("two votes");
        assert_eq!(class, 1);
        assert!((0.5..0.7).contains(&share));
    }

    #[test]
    fn an_opinion_without_trust_changes_nothing() {
        let mut votes = ClassVotes::new(2);
        votes.push();
        votes.add(0, &[0.75, 0.25], 1.0);
        let before = votes.clone();
        votes.add(0, &[0.0, 1.0], 0.0);
        assert_eq!(votes, before);
    }

    #[test]
    fn removal_moves_the_last_voxel_into_the_gap() {
        let mut votes = ClassVotes::new(2);
        for _ in 0..3 {
            votes.push();
        }
        votes.add(2, &[0.1, 0.9], 1.0);
        votes.swap_remove(0);
        assert_eq!(votes.winner(0).map(|(class, _)| class), Some(1));
        assert_eq!(votes.winner(1), None);
    }
}
