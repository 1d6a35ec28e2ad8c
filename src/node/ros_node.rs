//! The labelling node with what every ROS node has: parameters, `/clock`, diagnostics.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Health, LabellingNode, NodeError, NodeSettings};
use crate::config::milliseconds;
use crate::live::ThreadHook;
use crate::network::Model;
use crate::ros::diagnostics::{DiagnosticsReport, Thresholds};
use crate::ros::interfaces::DiagnosticArray;
use crate::ros::lifecycle::State;
use crate::ros::names::NodeName;
use crate::ros::parameters::{ParameterServices, ParameterStore, USE_SIM_TIME};
use crate::ros::simulated_clock::{JumpCause, NodeClock, TimeJump};
use crate::ros::{Message, MessageWriter, Middleware, Qos, SendError};

/// A step of `/clock` beyond this is a jump.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// A labelling node and its manners. Dropping it stops it.
pub struct RosNode {
    node: Arc<Mutex<Option<LabellingNode>>>,
    name: NodeName,
    settings: NodeSettings,
    model: String,
    clock: Arc<NodeClock>,
    _parameters: ParameterServices,
    diagnostics: MessageWriter,
    last: Health,
    last_look: Instant,
    started: Instant,
}

impl RosNode {
    /// Serves the parameters, follows `/clock` where `use_sim_time` says so, and starts to label. `store` holds the
    /// parameters of [`descriptions`](super::parameters::descriptions), which have been applied to the settings.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn start(
        middleware: &Arc<dyn Middleware>,
        name: &NodeName,
        model: &Model,
        settings: NodeSettings,
        store: &Arc<ParameterStore>,
        hook: Option<ThreadHook>,
    ) -> Result<Self, NodeError> {
        let node: Arc<Mutex<Option<LabellingNode>>> = Arc::default();
        let listener = Arc::downgrade(&node);
        let clock = Arc::new(NodeClock::new(LONGEST_STEP, Box::new(move |jump| on_jump(&listener, jump))));
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
        let parameters = ParameterServices::new(&**middleware, name, store, clock.as_now())?;
        let diagnostics = MessageWriter::new(&**middleware, "/diagnostics", DiagnosticArray::TYPE, Qos::DEFAULT)?;
        let labelling = LabellingNode::start(&**middleware, model, &settings, hook)?;
        *node.lock().unwrap_or_else(PoisonError::into_inner) = Some(labelling);
        let manifest = model.manifest();
        Ok(Self {
            node,
            name: name.clone(),
            model: format!("{} {}", manifest.architecture, manifest.precision),
            settings,
            clock,
            _parameters: parameters,
            diagnostics,
            last: Health::default(),
            last_look: Instant::now(),
            started: Instant::now(),
        })
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        let node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
        node.as_ref().map(LabellingNode::health).unwrap_or_default()
    }

    /// To be called about once a second: says on `/diagnostics` what became of the clouds since the last time.
    ///
    /// # Errors
    /// [`SendError`] where the message could not be sent.
    pub fn diagnose(&mut self) -> Result<Health, SendError> {
        let health = self.health();
        let mismatch = health.publishers.1;
        let warnings: Vec<String> = mismatch
            .iter()
            .map(|mismatch| {
                let topic = &self.settings.cloud_topic;
                format!("{} publishers of {topic} offer less {} than is asked for", mismatch.count, mismatch.policy)
            })
            .collect();
        let since = |now: u64, before: u64| now.saturating_sub(before);
        let drops: Vec<(&str, u64)> = health
            .dropped
            .iter()
            .map(|(&reason, &count)| (reason, since(count, self.last.dropped.get(reason).copied().unwrap_or(0))))
            .filter(|(_, count)| *count > 0)
            .collect();
        let labelled = since(health.counts.served, self.last.counts.served);
        let report = DiagnosticsReport {
            state: State::Active,
            rate: labelled as f64 / self.last_look.elapsed().as_secs_f64().max(1e-3),
            labelled,
            missed: since(health.misses, self.last.misses),
            drops: &drops,
            deadline: self.settings.config.latency.deadline().unwrap_or_default(),
            latency_p50: milliseconds(health.age[0]),
            latency_p99: milliseconds(health.age[1]),
            engine: self.settings.engine.name(),
            model: &self.model,
            sensor_age: health.input_age,
            active_for: self.started.elapsed(),
            sensor_period: health.input_period,
            transform_gaps: drops.iter().find(|(reason, _)| *reason == "no transform").map_or(0, |(_, count)| *count),
            warnings: &warnings,
        };
        let diagnosis = report.diagnose(&Thresholds::default());
        (self.last, self.last_look) = (health.clone(), Instant::now());
        let name = format!("{}: labelling", self.name.name());
        diagnosis.send(&mut self.diagnostics, self.clock.now(), &name, &self.settings.cloud_topic)?;
        Ok(health)
    }
}

fn on_jump(node: &Weak<Mutex<Option<LabellingNode>>>, jump: TimeJump) {
    log::warn!("the time jumped from {:?} to {:?}: {:?}", jump.from, jump.to, jump.cause);
    if jump.cause == JumpCause::Forward {
        return;
    }
    if let Some(node) = node.upgrade()
        && let Some(node) = &*node.lock().unwrap_or_else(PoisonError::into_inner)
    {
        node.clock_was_reset();
    }
}
