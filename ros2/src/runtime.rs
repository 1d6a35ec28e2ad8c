//! What runs `rclrs`'s workers here: a thread each, which takes what is raw before `rclrs` would.
//!
//! `rclrs` leaves to its executor's runtime how wait sets are waited for and what becomes of primitives that are ready.
//! Its own runtime lets each primitive take its message as a C struct. Ours hands a worker's subscriptions and services
//! to the [`Taker`] that is the worker's payload, which takes CDR; everything else (guard conditions, timers, whatever
//! `rclrs` has for itself) is executed as usual.
//!
//! Each subscription and each service is given a worker, and so a thread, of its own: a callback that takes its time on a
//! cloud holds up neither `/tf` nor `/clock`.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use rclrs::{
    ActivityListenerCallback, ExecutorChannel, ExecutorRuntime, ExecutorWorkerOptions, GuardCondition, PayloadTask,
    RclPrimitive, RclPrimitiveKind, RclReturnCode, RclrsError, SpinConditions, WaitSet, Waitable, WeakActivityListener,
    WorkerChannel,
};

use crate::threads::Threads;
use instanton::recurring::Recurring;

/// Longest wait of a worker. Whatever concerns it wakes it; this is for the end of a node, of which `rclrs` says nothing.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a wait that failed, so that a broken middleware is not asked without end.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes what a primitive has.
type Take = dyn Fn(&mut dyn RclPrimitive) + Send + Sync;

/// The payload of a worker that handles CDR.
pub(crate) struct Taker(pub(crate) Box<Take>);

/// The runtime. Workers run from when they are created until nothing refers to them any more.
#[derive(Default)]
pub(crate) struct ThreadPerWorker {
    workers: Arc<Workers>,
}

impl ThreadPerWorker {
    /// The workers, for whoever has to wait for their end.
    pub(crate) fn workers(&self) -> Arc<Workers> {
        Arc::clone(&self.workers)
    }
}

/// All workers of a node.
#[derive(Default)]
pub(crate) struct Workers {
    threads: Arc<Threads>,
    awake: Mutex<Vec<Weak<GuardCondition>>>,
}

impl ExecutorRuntime for ThreadPerWorker {
    fn channel(&self) -> Arc<dyn ExecutorChannel> {
        Arc::clone(&self.workers) as _
    }

    /// The workers run anyway: waits until it is told not to.
    fn spin(&mut self, conditions: SpinConditions) -> Vec<RclrsError> {
        while !conditions.halt_spinning.load(Ordering::Acquire) && conditions.context.ok() {
            std::thread::sleep(PAUSE);
        }
        Vec::new()
    }

    fn spin_async(
        mut self: Box<Self>,
        conditions: SpinConditions,
    ) -> BoxFuture<'static, (Box<dyn ExecutorRuntime>, Vec<RclrsError>)> {
        Box::pin(async move {
            let errors = self.spin(conditions);
            (self as Box<dyn ExecutorRuntime>, errors)
        })
    }
}

impl Workers {
    /// Waits until all have ended that nothing refers to any more, `patience` at most. Whether all have.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        self.wake_all_wait_sets();
        self.threads.wait(patience)
    }
}

impl ExecutorChannel for Workers {
    fn create_worker(&self, options: ExecutorWorkerOptions) -> Arc<dyn WorkerChannel> {
        let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        awake.retain(|worker| worker.strong_count() > 0);
        awake.push(Arc::downgrade(&options.guard_condition));
        let (sender, receiver) = channel();
        let listeners = Arc::default();
        let (heard, failed) = (Arc::clone(&listeners), Arc::new(AtomicBool::new(false)));
        let has_failed = Arc::clone(&failed);
        let spawned = self.threads.spawn("rclrs worker", move || {
            // Moved here, so that what was not delivered ends before the thread counts as ended.
            let receiver = receiver;
            if let Err(error) = Run::new(options, heard).and_then(|mut run| run.until_forgotten(&receiver)) {
                log::error!("nothing is received any more: {error}");
                has_failed.store(true, Ordering::Release);
            }
        });
        if let Err(error) = spawned {
            log::error!("no thread for a worker: {error}");
            failed.store(true, Ordering::Release);
        }
        Arc::new(Channel { sender, listeners, failed, threads: Arc::clone(&self.threads) })
    }

    fn wake_all_wait_sets(&self) {
        let awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in awake.iter().filter_map(Weak::upgrade) {
            wake(&worker);
        }
    }
}

fn wake(worker: &GuardCondition) {
    if let Err(error) = worker.trigger() {
        log::error!("waking a worker: {error}");
    }
}

enum Order {
    Wait(Waitable),
    Do(PayloadTask),
}

type Listeners = Arc<Mutex<Vec<WeakActivityListener>>>;

/// What `rclrs` says to a worker.
struct Channel {
    sender: Sender<Order>,
    listeners: Listeners,
    failed: Arc<AtomicBool>,
    threads: Arc<Threads>,
}

impl Channel {
    fn send(&self, order: Order) {
        if self.sender.send(order).is_err() || self.failed.load(Ordering::Acquire) {
            log::error!("a worker has ended: nothing is received with it");
        }
    }
}

impl WorkerChannel for Channel {
    /// `rclrs` has few of these, which last as long as their node and sleep nearly all of it.
    fn add_async_task(&self, task: BoxFuture<'static, ()>) {
        if let Err(error) = self.threads.spawn("rclrs task", move || block_on(task)) {
            log::error!("no thread for a task of rclrs: {error}");
        }
    }

    fn add_to_wait_set(&self, waitable: Waitable) {
        self.send(Order::Wait(waitable));
    }

    fn send_payload_task(&self, task: PayloadTask) {
        self.send(Order::Do(task));
    }

    fn add_activity_listener(&self, listener: WeakActivityListener) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}

/// A worker at work. The wait set goes first: what waits in it refers to the rest.
struct Run {
    wait_set: WaitSet,
    payload: Box<dyn Any + Send>,
    listeners: Listeners,
    failures: Recurring,
    // Triggered from outside for as long as it is there.
    _guard_condition: Arc<GuardCondition>,
}

impl Run {
    fn new(options: ExecutorWorkerOptions, listeners: Listeners) -> Result<Self, RclrsError> {
        let ExecutorWorkerOptions { context, payload, guard_condition } = options;
        let (wait_set, failures) = (WaitSet::new(&context)?, Recurring::default());
        Ok(Self { wait_set, payload, listeners, failures, _guard_condition: guard_condition })
    }

    fn until_forgotten(&mut self, orders: &Receiver<Order>) -> Result<(), RclrsError> {
        loop {
            loop {
                match orders.try_recv() {
                    Ok(Order::Wait(waitable)) => self.wait_set.add([waitable])?,
                    Ok(Order::Do(task)) => task(&mut *self.payload),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            if self.wait() {
                self.tell_listeners();
            }
        }
    }

    /// Waits until something is ready, and sees to it; whether anything was.
    fn wait(&mut self) -> bool {
        let mut any = false;
        let payload = &mut self.payload;
        let waited = self.wait_set.wait(Some(LOOK), |ready, primitive| {
            any = true;
            match (payload.downcast_ref::<Taker>(), primitive.kind()) {
                (Some(taker), RclPrimitiveKind::Subscription | RclPrimitiveKind::Service) => {
                    (taker.0)(primitive);
                    Ok(())
                }
                // SAFETY: `rclrs` created the primitive for the worker that has this payload.
                _ => unsafe { primitive.execute(ready, &mut **payload) },
            }
        });
        match waited {
            Ok(()) | Err(RclrsError::RclError { code: RclReturnCode::Timeout, .. }) => {}
            Err(error) => {
                if let Some(count) = self.failures.happened() {
                    log::warn!("{count} time(s) messages could not be waited for, the last one: {error}");
                }
                std::thread::sleep(PAUSE);
            }
        }
        any
    }

    fn tell_listeners(&mut self) {
        let mut known = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|listener| listener.strong_count() > 0);
        let listeners: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        drop(known);
        for slot in listeners {
            // Taken out while it runs: it may set another one.
            let listener = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(mut listener) = listener else { continue };
            if let ActivityListenerCallback::Listen(listen) = &mut listener {
                listen(&mut *self.payload);
            }
            slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(listener);
        }
    }
}
