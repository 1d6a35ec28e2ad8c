//! The time of the node: the machine's, or that of `/clock` under `use_sim_time` (design page "Clock and Time").
//!
//! Simulated time may stand, run at any speed, and jump: forward when a bag is skipped, back when it begins again.
//! Everything that was built from stamps is worthless after a jump back, so jumps are told; and nobody may count on
//! time going on, so waiting is bounded by the machine's clock and takes no computing time while time stands.

use super::guard::lock;
use super::interfaces::Clock;
use super::{Message, Middleware, MiddlewareError, Now, Qos, Reliability, Subscription, Time, system_time};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `rclcpp::ClockQoS`.
const QOS: Qos = Qos { reliability: Reliability::BestEffort, depth: 1, ..Qos::DEFAULT };

/// A step of the time that is none of its usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeJump {
    /// Before.
    pub from: Time,
    /// After.
    pub to: Time,
    /// Why.
    pub cause: JumpCause,
}

/// Why the time jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JumpCause {
    /// `/clock` went back: a bag began again, a simulation was reset.
    Back,
    /// `/clock` went on by more than was said to be usual.
    Forward,
    /// `use_sim_time` was changed.
    Source,
}

/// Told of each jump, on the thread that brought it, after [`NodeClock::now`] has the new time.
pub type OnJump = Box<dyn FnMut(TimeJump) + Send>;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The time has come.
    Reached,
    /// The time jumped back, or its source was changed: what was waited for may never come.
    Jumped,
    /// The longest time on the machine's clock is over.
    TimedOut,
    /// [`NodeClock::close`] was called.
    Closed,
}

/// The clock of a node. All methods may be called from any thread.
pub struct NodeClock {
    shared: Arc<Shared>,
    // Held while the source is changed.
    subscription: Mutex<Option<Box<dyn Subscription>>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    on_jump: Mutex<OnJump>,
    longest_step: Duration,
}

#[derive(Default)]
struct State {
    simulated: bool,
    /// Last time of `/clock`.
    time: Option<Time>,
    /// Jumps back and changes of the source: waits begun before them end.
    jumps: u64,
    closed: bool,
}

impl State {
    /// As rclcpp, zero until `/clock` has said something.
    fn now(&self) -> Time {
        if self.simulated { self.time.unwrap_or_default() } else { system_time() }
    }
}

impl NodeClock {
    /// The machine's clock at first. Steps of `/clock` longer than `longest_step` count as jumps forward.
    pub fn new(longest_step: Duration, on_jump: OnJump) -> Self {
        let shared =
            Shared { state: Mutex::default(), changed: Condvar::new(), on_jump: Mutex::new(on_jump), longest_step };
        Self { shared: Arc::new(shared), subscription: Mutex::new(None) }
    }

    /// Goes by `/clock` from now on, or by the machine's clock: what the parameter `use_sim_time` says.
    ///
    /// # Errors
    /// [`MiddlewareError`] if there is no subscribing to `/clock`; the source is as before then.
    pub fn use_simulated_time(&self, middleware: &dyn Middleware, simulated: bool) -> Result<(), MiddlewareError> {
        let mut subscription = lock(&self.subscription);
        if lock(&self.shared.state).simulated == simulated {
            return Ok(());
        }
        // Before the state is changed, so that a refusal changes nothing; what comes meanwhile is kept.
        *subscription = if simulated { Some(self.subscribe(middleware)?) } else { None };
        let jump = {
            let mut state = lock(&self.shared.state);
            let from = state.now();
            state.simulated = simulated;
            state.jumps += 1;
            if !simulated {
                state.time = None;
            }
            TimeJump { from, to: state.now(), cause: JumpCause::Source }
        };
        self.shared.tell(jump);
        Ok(())
    }

    fn subscribe(&self, middleware: &dyn Middleware) -> Result<Box<dyn Subscription>, MiddlewareError> {
        let shared = Arc::clone(&self.shared);
        middleware.subscribe(
            "/clock",
            Clock::TYPE,
            QOS,
            Box::new(move |received| match Clock::decode(received.bytes) {
                Ok(message) => shared.advance(message.clock),
                Err(error) => log::warn!("/clock: {error}"),
            }),
        )
    }

    /// The time now; under `use_sim_time` zero until `/clock` has said something.
    pub fn now(&self) -> Time {
        lock(&self.shared.state).now()
    }

    /// The same as a function.
    pub fn as_now(&self) -> Now {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || lock(&shared.state).now())
    }

    /// Whether it goes by `/clock`.
    pub fn is_simulated(&self) -> bool {
        lock(&self.shared.state).simulated
    }

    /// Waits until the time is `stamp` or later, but no longer than `longest` on the machine's clock.
    pub fn wait_until(&self, stamp: Time, longest: Duration) -> Waited {
        let begun = Instant::now();
        let mut state = lock(&self.shared.state);
        let jumps = state.jumps;
        loop {
            let left = longest.saturating_sub(begun.elapsed());
            let now = state.now();
            if state.closed {
                return Waited::Closed;
            }
            if state.jumps != jumps {
                return Waited::Jumped;
            }
            if now >= stamp {
                return Waited::Reached;
            }
            if left.is_zero() {
                return Waited::TimedOut;
            }
            // A simulated clock wakes whoever waits when it moves.
            let until = stamp.nanoseconds().saturating_sub(now.nanoseconds());
            let pause =
                if state.simulated { left } else { left.min(Duration::from_nanos(until.try_into().unwrap_or(0))) };
            let woken = self.shared.changed.wait_timeout(state, pause);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends all waits, now and later: the node shuts down.
    pub fn close(&self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn advance(&self, to: Time) {
        let jump = {
            let mut state = lock(&self.state);
            let from = state.time.replace(to);
            let jump = from.and_then(|from| {
                let step = to.nanoseconds().saturating_sub(from.nanoseconds());
                let cause = match u64::try_from(step) {
                    Err(_) => JumpCause::Back,
                    Ok(step) if Duration::from_nanos(step) > self.longest_step => JumpCause::Forward,
                    Ok(_) => return None,
                };
                Some(TimeJump { from, to, cause })
            });
            // What comes before the source is changed moves nobody's time.
            let jump = jump.filter(|_| state.simulated);
            if jump.is_some_and(|jump| jump.cause == JumpCause::Back) {
                state.jumps += 1;
            }
            jump
        };
        match jump {
            Some(jump) => self.tell(jump),
            None => self.changed.notify_all(),
        }
    }

    fn tell(&self, jump: TimeJump) {
        self.changed.notify_all();
        (lock(&self.on_jump))(jump);
    }
}
