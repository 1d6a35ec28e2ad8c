//! `builtin_interfaces/msg/Time` and `std_msgs/msg/Header`.

use super::element::structure;

structure! {
    /// A stamp: seconds and nanoseconds since the epoch of the clock in use.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Time {
        /// Whole seconds.
        pub sec: i32,
        /// Nanoseconds on top, normally below 10⁹.
        pub nanosec: u32,
    }
}

impl Time {
    /// Nanoseconds since the epoch. Exact for every value of the two fields.
    pub fn nanoseconds(self) -> i64 {
        i64::from(self.sec) * 1_000_000_000 + i64::from(self.nanosec)
    }

    /// From nanoseconds since the epoch; beyond the years 1901–2038, which `sec` cannot say, the
    /// nearest stamp that it can.
    pub fn from_nanoseconds(nanoseconds: i64) -> Self {
        let sec = nanoseconds.div_euclid(1_000_000_000);
        match i32::try_from(sec) {
            Ok(sec) => Self { sec, nanosec: nanoseconds.rem_euclid(1_000_000_000) as u32 },
            Err(_) if sec < 0 => Self { sec: i32::MIN, nanosec: 0 },
            Err(_) => Self { sec: i32::MAX, nanosec: 999_999_999 },
        }
    }
}

structure! {
    /// When and in which frame.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Header<'a> {
        /// When the data was measured.
        pub stamp: Time,
        /// Name of the coordinate frame.
        pub frame_id: &'a str,
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn nanoseconds_and_back() {
        for nanoseconds in [0, 1, -1, 1_355_494_975_814_212_000, -1_500_000_000, i64::from(i32::MAX) * 1_000_000_000] {
            assert_eq!(Time::from_nanoseconds(nanoseconds).nanoseconds(), nanoseconds);
        }
        assert_eq!(Time::from_nanoseconds(-1), Time { sec: -1, nanosec: 999_999_999 });
        assert_eq!(Time::from_nanoseconds(i64::MAX).sec, i32::MAX);
        assert_eq!(Time::from_nanoseconds(i64::MIN).sec, i32::MIN);
        assert_eq!(Time { sec: i32::MAX, nanosec: u32::MAX }.nanoseconds(), 2_147_483_651_294_967_295);
    }
}
