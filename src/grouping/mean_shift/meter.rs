//! Distances counted against a budget.

/// Counts distances to points, boxes and centres, and says when the budget is spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    done: u64,
    budget: u64,
}

impl Meter {
    /// Nothing done yet.
    pub(super) fn new(budget: u64) -> Self {
        Self { done: 0, budget }
    }

    /// Counts distances that were computed.
    pub(super) fn add(&mut self, distances: u64) {
        self.done += distances;
    }

    /// Whether nothing new may be begun.
    pub(super) fn is_spent(&self) -> bool {
        self.done >= self.budget
    }

    /// Grants more than the budget, or than what was done where that is more already.
    pub(super) fn grant(&mut self, more: u64) {
        self.budget = self.budget.max(self.done).saturating_add(more);
    }

    /// Distances so far.
    pub(super) fn done(&self) -> u64 {
        self.done
    }
}
