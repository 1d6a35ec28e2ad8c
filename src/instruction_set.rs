//! Which vector instructions the processor has, asked once.
//!
//! Every fast path exists for several instruction sets and gives the same bits on each. The best one is
//! taken unless the environment variable `INSTANTON_ISA` (`avx512`, `avx2`, `neon`, `plain`) names another.

use std::fmt;
use std::sync::OnceLock;

/// Name of the environment variable that forces an instruction set.
pub const VARIABLE: &str = "INSTANTON_ISA";

/// A set of vector instructions that kernels are written for, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Whatever the compiler was told: runs everywhere, the oracle of the others.
    Plain,
    /// aarch64: 4 lanes.
    Neon,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL: 16 lanes.
    Avx512,
}

impl InstructionSet {
    /// All of them, worst first.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Neon, Self::Avx2, Self::Avx512];

    /// The instruction set that fast paths run on: the best of [`available`](Self::available), or the one
    /// that the environment forces. Found at the first call.
    pub fn best() -> Self {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| choose(std::env::var(VARIABLE).ok().as_deref()))
    }

    /// Those that this processor has, worst first; [`Plain`](Self::Plain) always is.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|set| set.is_available())
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(unreachable_patterns)] // those of other processors
            _ => false,
        }
    }

    /// The name that forces it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

fn choose(forced: Option<&str>) -> InstructionSet {
    let best = InstructionSet::available().last().unwrap_or(InstructionSet::Plain);
    let Some(forced) = forced.filter(|name| !name.is_empty()) else { return best };
    match InstructionSet::ALL.into_iter().find(|set| set.name().eq_ignore_ascii_case(forced)) {
        Some(set) if set.is_available() => set,
        Some(set) => {
            log::warn!("{VARIABLE}={set}: this processor does not have it; {best} is used");
            best
        }
        None => {
            let names = InstructionSet::ALL.map(InstructionSet::name).join(", ");
            log::warn!("{VARIABLE}={forced}: expected one of {names}; {best} is used");
            best
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forced_is_taken_where_the_processor_has_it() {
        let best = choose(None);
        assert!(best.is_available());
        assert_eq!(choose(Some("plain")), InstructionSet::Plain);
        assert_eq!(choose(Some("PLAIN")), InstructionSet::Plain);
        assert_eq!(choose(Some("")), best);
        assert_eq!(choose(Some("mmx")), best);
        for set in InstructionSet::ALL {
            assert_eq!(choose(Some(set.name())), if set.is_available() { set } else { best });
        }
    }
}
