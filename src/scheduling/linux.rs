//! As Linux does it.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, CpuSet, capabilities, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use super::SchedulingError;

pub fn run_on(cores: &[usize]) -> Result<(), SchedulingError> {
    let refuse = |granted| SchedulingError::Cores { asked: cores.to_vec(), granted };
    let mut wanted = CpuSet::new();
    for &core in cores {
        if core >= CpuSet::MAX_CPU {
            return Err(refuse(cores.iter().copied().filter(|&core| core < CpuSet::MAX_CPU).collect()));
        }
        wanted.set(core);
    }
    let before = sched_getaffinity(None).map_err(|_| refuse(Vec::new()))?;
    sched_setaffinity(None, &wanted).map_err(|_| refuse(Vec::new()))?;
    // Where only some of the cores are to be had the kernel says yes, and means those.
    let now = sched_getaffinity(None).map_err(|_| refuse(Vec::new()))?;
    let granted: Vec<usize> = cores.iter().copied().filter(|&core| now.is_set(core)).collect();
    if granted.len() < cores.len() {
        // They were ours a moment ago.
        let _ = sched_setaffinity(None, &before);
        return Err(refuse(granted));
    }
    Ok(())
}

pub fn run_in_real_time(priority: u8) -> Result<(), SchedulingError> {
    let refuse = |reason: String| {
        let limit = getrlimit(Resource::Rtprio).current.map_or("unlimited".to_owned(), |most| most.to_string());
        SchedulingError::RealTime { priority, limit, reason }
    };
    let value = priority.try_into().map_err(|_| SchedulingError::Priority { actual: priority })?;
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), policy).map_err(|error| {
        refuse(match error {
            thread_priority::Error::OS(code) => std::io::Error::from_raw_os_error(code).to_string(),
            other => format!("{other:?}"),
        })
    })
}

pub fn lock_memory() -> Result<(), SchedulingError> {
    let limit = getrlimit(Resource::Memlock).current;
    let refuse = |reason: String| {
        let limit = limit.map_or("unlimited".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
        SchedulingError::Memory { limit, reason }
    };
    let may_exceed = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if limit.is_some() && !may_exceed {
        return Err(refuse("memory that is asked for later would be refused beyond the limit".to_owned()));
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).map_err(|error: Errno| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a thread of its own: the test runner's stays where it was.
    fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join()).expect("no panic")
    }

    fn mine() -> Vec<usize> {
        let set = sched_getaffinity(None).expect("a thread runs somewhere");
        (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
    }

    #[test]
    fn a_thread_runs_where_it_was_put_and_so_do_its_children() {
        apart(|| {
            let core = *mine().last().expect("at least one");
            run_on(&[core]).expect("a core that we have");
            assert_eq!(mine(), [core]);
            assert_eq!(std::thread::spawn(mine).join().expect("no panic"), [core]);
        });
    }

    #[test]
    fn cores_that_are_not_there_are_named_and_nothing_changes() {
        apart(|| {
            let before = mine();
            let absent = CpuSet::MAX_CPU - 1;
            for asked in [vec![absent], vec![before[0], absent], vec![before[0], usize::MAX]] {
                let granted = asked.iter().copied().filter(|core| before.contains(core)).collect::<Vec<_>>();
                match run_on(&asked) {
                    Err(SchedulingError::Cores { asked: told, granted: some }) => {
                        assert_eq!(told, asked);
                        assert!(some.iter().all(|core| granted.contains(core) || *core == absent), "{some:?}");
                    }
                    other => panic!("{other:?}"),
                }
                assert_eq!(mine(), before);
            }
        });
    }

    /// Whether the class is granted depends on who runs the tests; what is said must be true either way.
    #[test]
    fn the_real_time_class_is_entered_or_refused_with_the_limit() {
        apart(|| match run_in_real_time(1) {
            Ok(()) => {
                let policy = thread_priority::thread_schedule_policy().expect("it has one");
                assert_eq!(policy, ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo));
            }
            Err(error) => assert!(matches!(error, SchedulingError::RealTime { priority: 1, .. }), "{error}"),
        });
    }
}
