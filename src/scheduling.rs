//! What the operating system may do for a deadline: cores of one's own, the real-time class, memory that
//! stays in memory.
//!
//! Nothing here is on by default. Each of the three can be forbidden, and then says by whom and what
//! would allow it; nothing is half done. Cores and class are those of the calling thread **and of every
//! thread that it starts afterwards**, so call this before the [`Pipeline`](crate::pipeline::Pipeline)
//! starts its own.
//!
//! A real-time thread that never sleeps starves everything else on its core, the sensor's driver included.
//! Linux holds it back for 50 ms of every second unless told otherwise (`kernel.sched_rt_runtime_us`);
//! leave a core to the rest of the robot.

use std::fmt;
use std::sync::Arc;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

/// What is asked of the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// Cores on which to run; empty: those that the system chooses.
    pub cores: Vec<usize>,
    /// Priority in the real-time class, 1 to 99; `None`: the usual class.
    pub realtime: Option<u8>,
    /// Keep all memory of the process, now and later, from being paged out.
    pub lock_memory: bool,
}

impl Scheduling {
    /// Asks for everything that is wanted, for the calling thread and the threads that it will start.
    ///
    /// # Errors
    /// The first refusal; what was granted before it stays.
    pub fn apply(&self) -> Result<(), SchedulingError> {
        if self.lock_memory {
            lock_memory()?;
        }
        if !self.cores.is_empty() {
            run_on(&self.cores)?;
        }
        self.realtime.map_or(Ok(()), run_in_real_time)
    }

    /// Asks for cores and class in a thread that does nothing else, so that a refusal comes before the work. Memory is
    /// not locked by it.
    ///
    /// # Errors
    /// The refusal.
    pub fn rehearse(&self) -> Result<(), SchedulingError> {
        let threads = self.of_threads();
        // A thread that panics has asked for nothing that could be granted: its panic has been reported.
        std::thread::spawn(move || threads.apply()).join().unwrap_or(Ok(()))
    }

    /// What each thread asks for when it starts; those that `may_wait` for the others are less urgent. A refusal is
    /// logged. Memory belongs to the process and is not locked by it.
    pub fn hook<R: fmt::Debug>(
        &self,
        may_wait: impl Fn(&R) -> bool + Send + Sync + 'static,
    ) -> Arc<dyn Fn(R) + Send + Sync> {
        let (urgent, others) = (self.of_threads(), self.of_threads().less_urgent());
        Arc::new(move |role| {
            if let Err(error) = if may_wait(&role) { &others } else { &urgent }.apply() {
                log::error!("thread {role:?}: {error}");
            }
        })
    }

    fn of_threads(&self) -> Self {
        Self { lock_memory: false, ..self.clone() }
    }

    /// The same for threads that may wait for the others: one priority less, where there is one.
    pub fn less_urgent(&self) -> Self {
        Self { realtime: self.realtime.map(|priority| priority.saturating_sub(1).max(1)), ..self.clone() }
    }
}

/// Runs the calling thread on these cores only.
///
/// # Errors
/// [`SchedulingError::Cores`] unless all of them are granted; the thread runs where it ran then.
pub fn run_on(cores: &[usize]) -> Result<(), SchedulingError> {
    system::run_on(cores)
}

/// Runs the calling thread in the real-time class `SCHED_FIFO` at `priority`, 1 to 99.
///
/// # Errors
/// [`SchedulingError::Priority`] and [`SchedulingError::RealTime`].
pub fn run_in_real_time(priority: u8) -> Result<(), SchedulingError> {
    if !(1..=99).contains(&priority) {
        return Err(SchedulingError::Priority { actual: priority });
    }
    system::run_in_real_time(priority)
}

/// Keeps all memory of the process, now and later, from being paged out.
///
/// # Errors
/// [`SchedulingError::Memory`], also where the lock itself would be granted but a limit would make later
/// allocations fail, which ends a program.
pub fn lock_memory() -> Result<(), SchedulingError> {
    system::lock_memory()
}

/// What the operating system forbade, and what would allow it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulingError {
    /// Some of the cores are not to be had.
    #[error(
        "cores {}: expected cores that are online and that this process may use, was granted {}; see \
         /sys/devices/system/cpu/online, and the cpuset of the control group or container \
         (cpuset.cpus.effective, `docker run --cpuset-cpus`)",
        list(asked), if granted.is_empty() { "none of them".to_owned() } else { format!("only {}", list(granted)) }
    )]
    Cores {
        /// Those asked for.
        asked: Vec<usize>,
        /// Those among them that would be granted.
        granted: Vec<usize>,
    },
    /// There is no such priority.
    #[error("real-time priority: expected 1 to 99, found {actual}")]
    Priority {
        /// What was asked for.
        actual: u8,
    },
    /// The real-time class is forbidden.
    #[error(
        "real-time priority {priority} is forbidden ({reason}; `ulimit -r` is {limit}): allow it with rtprio in \
         /etc/security/limits.conf or LimitRTPRIO= in the service, or with the capability CAP_SYS_NICE (`setcap \
         cap_sys_nice+ep`, `docker run --cap-add SYS_NICE`); where the kernel groups real-time threads, the control \
         group needs cpu.rt_runtime_us above 0"
    )]
    RealTime {
        /// What was asked for.
        priority: u8,
        /// The highest that needs no capability.
        limit: String,
        /// What the system said.
        reason: String,
    },
    /// Locking memory is forbidden.
    #[error(
        "locking memory is forbidden ({reason}; `ulimit -l` is {limit}): allow it with `ulimit -l unlimited`, memlock \
         in /etc/security/limits.conf or LimitMEMLOCK=infinity in the service, or with the capability CAP_IPC_LOCK \
         (`setcap cap_ipc_lock+ep`, `docker run --cap-add IPC_LOCK`)"
    )]
    Memory {
        /// How much may be locked without a capability.
        limit: String,
        /// What the system said, or what would go wrong.
        reason: String,
    },
    /// This operating system has no such thing, or we do not know how to ask for it.
    #[error("{what}: known on Linux only")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
}

fn list(cores: &[usize]) -> String {
    cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use super::SchedulingError::{self, Unsupported};

    pub fn run_on(_: &[usize]) -> Result<(), SchedulingError> {
        Err(Unsupported { what: "cores of one's own" })
    }

    pub fn run_in_real_time(_: u8) -> Result<(), SchedulingError> {
        Err(Unsupported { what: "the real-time class" })
    }

    pub fn lock_memory() -> Result<(), SchedulingError> {
        Err(Unsupported { what: "locked memory" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_remedy() {
        let refusals = [
            (SchedulingError::Cores { asked: vec![0, 9], granted: vec![0] }, ["0,9", "only 0", "cpuset"]),
            (SchedulingError::Cores { asked: vec![9], granted: vec![] }, ["9", "none of them", "online"]),
            (
                SchedulingError::RealTime { priority: 50, limit: "0".into(), reason: "not permitted".into() },
                ["50", "ulimit -r", "CAP_SYS_NICE"],
            ),
            (
                SchedulingError::Memory { limit: "64 KiB".into(), reason: "not permitted".into() },
                ["64 KiB", "LimitMEMLOCK", "CAP_IPC_LOCK"],
            ),
        ];
        for (refusal, words) in refusals {
            let said = refusal.to_string();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
    }

    #[test]
    fn what_is_forbidden_is_told_before_the_work() {
        assert_eq!(Scheduling::default().rehearse(), Ok(()));
        let absurd = Scheduling { realtime: Some(100), ..Scheduling::default() };
        assert_eq!(absurd.rehearse(), Err(SchedulingError::Priority { actual: 100 }));
        let absent = Scheduling { cores: vec![usize::MAX], ..Scheduling::default() };
        assert!(absent.rehearse().is_err());
    }

    #[test]
    fn what_may_wait_has_one_priority_less_where_there_is_one() {
        let priority = |realtime| Scheduling { realtime, ..Scheduling::default() }.less_urgent().realtime;
        assert_eq!((priority(None), priority(Some(1)), priority(Some(50))), (None, Some(1), Some(49)));
    }

    #[test]
    fn priorities_that_do_not_exist_are_refused() {
        for actual in [0, 100, 255] {
            assert_eq!(run_in_real_time(actual), Err(SchedulingError::Priority { actual }));
        }
    }

    #[test]
    fn nothing_asked_is_nothing_done() {
        assert_eq!(Scheduling::default().apply(), Ok(()));
    }
}
