//! The labelling node with what every managed ROS node has: lifecycle, parameters, `/clock`, diagnostics.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::managed::{ManagedLabeller, Work, follow_parameters};
use super::watch::Watch;
use super::{Health, NodeError, NodeSettings};
use crate::live::ThreadHook;
use crate::ros::diagnostics::Diagnosis;
use crate::ros::lifecycle::{Lifecycle, LifecycleServices, Outcome, State};
use crate::ros::names::NodeName;
use crate::ros::parameters::{ParameterServices, ParameterStore, USE_SIM_TIME};
use crate::ros::simulated_clock::{JumpCause, NodeClock, TimeJump};
use crate::ros::{Middleware, Now, SendError};

/// A step of `/clock` beyond this is a jump.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// A labelling node and its manners. Dropping it stops it.
pub struct RosNode {
    _services: (LifecycleServices, ParameterServices),
    lifecycle: Lifecycle,
    work: Arc<Work>,
    watch: Watch,
    clock: Arc<NodeClock>,
    // Held for the transitions, which know it weakly: else the node would hold itself.
    _middleware: Arc<dyn Middleware>,
}

impl RosNode {
    /// A node that is *unconfigured*: serves the parameters and the lifecycle, and follows `/clock` where `use_sim_time`
    /// says so. `store` holds the parameters of [`descriptions`](super::parameters::descriptions); `settings` are what
    /// they do not say. `hook` is called at the start of each thread that works on frames.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn new(
        middleware: Arc<dyn Middleware>,
        name: &NodeName,
        settings: NodeSettings,
        store: &Arc<ParameterStore>,
        hook: Option<ThreadHook>,
    ) -> Result<Self, NodeError> {
        let work: Arc<Work> = Arc::default();
        let clock = clock(&middleware, store, &work)?;
        let parameters = ParameterServices::new(&*middleware, name, store, clock.as_now())?;
        follow_parameters(store, &settings, &work);
        let watch = Watch::new(&*middleware, name, &settings)?;
        let labeller = ManagedLabeller {
            middleware: Arc::downgrade(&middleware),
            settings,
            store: Arc::clone(store),
            hook,
            work: Arc::clone(&work),
        };
        let lifecycle = Lifecycle::new(Box::new(labeller));
        let services = LifecycleServices::new(&*middleware, name, &lifecycle, clock.as_now())?;
        Ok(Self { _services: (services, parameters), lifecycle, work, watch, clock, _middleware: middleware })
    }

    /// Configures and activates it.
    ///
    /// # Errors
    /// [`NodeError`] of what failed; it is where it was led to until then.
    pub fn autostart(&self) -> Result<(), NodeError> {
        match self.lifecycle.autostart()? {
            Outcome::Success => Ok(()),
            _ => Err(self.work.take_error().unwrap_or(NodeError::NotActive)),
        }
    }

    /// Ends the work for good.
    pub fn shutdown(&self) {
        self.lifecycle.shutdown();
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.lifecycle.state()
    }

    /// The time that it goes by.
    pub fn now(&self) -> Now {
        self.clock.as_now()
    }

    /// How it fares; of nothing while it is not configured.
    pub fn health(&self) -> Health {
        self.work.labelling().as_ref().map(|labelling| labelling.node.health()).unwrap_or_default()
    }

    /// To be called about once a second: says on `/diagnostics` what became of the clouds since the last time, and in the
    /// log what has changed.
    ///
    /// # Errors
    /// [`SendError`] where the message could not be sent.
    pub fn look(&mut self) -> Result<Diagnosis, SendError> {
        self.watch.look(self.lifecycle.state(), &self.work, self.clock.now())
    }
}

/// The clock of a node: its jumps back are told to the work, and it follows the parameter.
fn clock(
    middleware: &Arc<dyn Middleware>,
    store: &Arc<ParameterStore>,
    work: &Arc<Work>,
) -> Result<Arc<NodeClock>, NodeError> {
    let told = Arc::downgrade(work);
    let clock = Arc::new(NodeClock::new(LONGEST_STEP, Box::new(move |jump| on_jump(&told, jump))));
    clock.use_simulated_time(&**middleware, store.value(USE_SIM_TIME).unwrap_or(false))?;
    let (of_parameter, carrier) = (Arc::downgrade(&clock), Arc::downgrade(middleware));
    store.after_change(Box::new(move |changes| {
        let Some(change) = changes.iter().find(|change| change.name == USE_SIM_TIME) else { return };
        // Neither is there any more when the node has been dropped.
        let (Some(clock), Some(middleware)) = (of_parameter.upgrade(), carrier.upgrade()) else { return };
        if let Err(error) = clock.use_simulated_time(&*middleware, change.new == true.into()) {
            log::error!("{USE_SIM_TIME}: {error}");
        }
    }));
    Ok(clock)
}

fn on_jump(work: &Weak<Work>, jump: TimeJump) {
    log::warn!("the time jumped from {:?} to {:?}: {:?}", jump.from, jump.to, jump.cause);
    if jump.cause == JumpCause::Forward {
        return;
    }
    if let Some(work) = work.upgrade()
        && let Some(labelling) = &*work.labelling()
    {
        labelling.node.clock_was_reset();
    }
}
