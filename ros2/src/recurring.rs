//! Trouble that comes again and again, told of less and less often.

/// How often something has gone wrong.
#[derive(Debug, Default)]
pub(crate) struct Recurring(u64);

impl Recurring {
    /// Counts one more; the count where it is worth a line, which it is each time that it has doubled: whoever causes the
    /// trouble from outside cannot fill the disk.
    pub(crate) fn again(&mut self) -> Option<u64> {
        self.0 += 1;
        self.0.is_power_of_two().then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Recurring;

    #[test]
    fn a_line_for_each_doubling() {
        let mut trouble = Recurring::default();
        let told: Vec<u64> = (0..1000).filter_map(|_| trouble.again()).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }
}
