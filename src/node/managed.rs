//! The labelling node as a managed one: what its transitions do.
//!
//! | transition | what happens |
//! |---|---|
//! | configure | the parameters that are read then are read, the model is loaded and warmed up, outputs and `/tf` are there |
//! | activate | the sensor is listened to |
//! | deactivate | it is not; nothing more is given out |
//! | cleanup, shutdown | everything is let go |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{LabellingNode, NodeError, NodeSettings, parameters};
use crate::live::ThreadHook;
use crate::network::{Class, Model, model_folder};
use crate::replay::chain;
use crate::ros::Middleware;
use crate::ros::lifecycle::{ManagedNode, Outcome, State};
use crate::ros::parameters::{ParameterChange, ParameterStore};

/// What is there of the node now, shared by its transitions and those who ask how it fares.
#[derive(Default)]
pub(super) struct Work {
    labelling: Mutex<Option<Labelling>>,
    /// Why the last transition failed, for whoever led the node.
    error: Mutex<Option<NodeError>>,
}

/// A node that is configured.
pub(super) struct Labelling {
    pub(super) node: LabellingNode,
    /// Architecture and precision of its model.
    pub(super) model: String,
    /// Those that its model knows.
    classes: Vec<Class>,
}

impl Work {
    /// The node, if it is configured.
    pub(super) fn labelling(&self) -> MutexGuard<'_, Option<Labelling>> {
        self.labelling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last transition failed.
    pub(super) fn take_error(&self) -> Option<NodeError> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn failed(&self, what: &str, error: NodeError) -> Outcome {
        log::error!("{what}: {}", chain(&error));
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Outcome::Failure
    }
}

/// Does what its transitions say.
pub(super) struct ManagedLabeller {
    pub(super) middleware: Weak<dyn Middleware>,
    /// Without what the parameters say.
    pub(super) settings: NodeSettings,
    pub(super) store: Arc<ParameterStore>,
    pub(super) hook: Option<ThreadHook>,
    pub(super) work: Arc<Work>,
}

impl ManagedLabeller {
    fn configure(&self) -> Result<Option<Labelling>, NodeError> {
        let Some(middleware) = self.middleware.upgrade() else { return Ok(None) };
        let mut settings = self.settings.clone();
        parameters::apply(&mut settings, &self.store.values())?;
        let asked = Some(settings.model.as_path()).filter(|folder| !folder.as_os_str().is_empty());
        let model = Model::open(&model_folder(asked)?)?;
        let node = LabellingNode::configure(&*middleware, &model, &settings, self.hook.clone())?;
        let manifest = model.manifest();
        let classes = manifest.classes.clone();
        Ok(Some(Labelling { node, model: format!("{} {}", manifest.architecture, manifest.precision), classes }))
    }

    /// Takes up what was set while the model was loaded, when there was nobody to be told yet.
    fn catch_up(&self) {
        let mut settings = self.settings.clone();
        // What is in the store has been checked.
        if parameters::apply(&mut settings, &self.store.values()).is_ok()
            && let Some(labelling) = &*self.work.labelling()
        {
            labelling.node.change(settings);
        }
    }

    fn let_go(&self) -> Outcome {
        let before = self.work.labelling().take();
        // Outside of the lock: it waits for the frame under way.
        drop(before);
        self.store.set_configured(false);
        Outcome::Success
    }
}

impl ManagedNode for ManagedLabeller {
    fn on_configure(&mut self) -> Outcome {
        // Before they are read.
        self.store.set_configured(true);
        match self.configure() {
            Ok(labelling) => {
                *self.work.labelling() = labelling;
                self.catch_up();
                Outcome::Success
            }
            Err(error) => {
                self.store.set_configured(false);
                self.work.failed("configure", error)
            }
        }
    }

    fn on_activate(&mut self) -> Outcome {
        let Some(middleware) = self.middleware.upgrade() else { return Outcome::Failure };
        let Some(labelling) = &mut *self.work.labelling() else { return Outcome::Error };
        match labelling.node.activate(&*middleware) {
            Ok(()) => Outcome::Success,
            Err(error) => self.work.failed("activate", error.into()),
        }
    }

    fn on_deactivate(&mut self) -> Outcome {
        if let Some(labelling) = &mut *self.work.labelling() {
            labelling.node.deactivate();
        }
        Outcome::Success
    }

    fn on_cleanup(&mut self) -> Outcome {
        self.let_go()
    }

    fn on_shutdown(&mut self) -> Outcome {
        self.let_go()
    }

    fn on_error(&mut self, _before: State) -> Outcome {
        self.let_go()
    }
}

/// Has a node follow its parameters: what contradicts itself or names a class that the model does not know is refused,
/// what may change at any time changes with the next frame.
pub(super) fn follow_parameters(store: &Arc<ParameterStore>, settings: &NodeSettings, work: &Arc<Work>) {
    let (values, base, of_work) = (Arc::downgrade(store), settings.clone(), Arc::downgrade(work));
    let said = move |changes: &[ParameterChange]| {
        let mut values = values.upgrade()?.values();
        values.extend(changes.iter().map(|change| (change.name.clone(), change.new.clone())));
        let mut settings = base.clone();
        Some(parameters::apply(&mut settings, &values).map(|()| settings))
    };
    let (before, after) = (said.clone(), said);
    let asked = Weak::clone(&of_work);
    store.before_change(Box::new(move |changes| {
        let Some(settings) = before(changes) else { return Ok(()) };
        let settings = settings.map_err(|error| error.to_string())?;
        let Some(work) = asked.upgrade() else { return Ok(()) };
        match &*work.labelling() {
            Some(labelling) => settings.check_classes(&labelling.classes).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }));
    store.after_change(Box::new(move |changes| {
        if let Some(Ok(settings)) = after(changes)
            && let Some(work) = of_work.upgrade()
            && let Some(labelling) = &*work.labelling()
        {
            labelling.node.change(settings);
        }
    }));
}
