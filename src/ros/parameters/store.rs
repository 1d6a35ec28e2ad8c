//! The parameters of a node and their values.

use super::{FromParameter, Override, ParameterDescription, ParameterError, ParameterValue};
use crate::ros::guard::{guarded, lock};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A change that is about to be made, or has been.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterChange {
    /// Which parameter.
    pub name: String,
    /// What it was.
    pub old: ParameterValue,
    /// What it becomes.
    pub new: ParameterValue,
}

/// Asked before changes are made, all of one call together; an error refuses them all and is the reason that the
/// caller gets. May read the store (it has the old values), but not set anything in it. A panic refuses too.
pub type OnChange = Box<dyn FnMut(&[ParameterChange]) -> Result<(), String> + Send>;

/// Told of changes that were made; those to the value that was there already are left out.
pub type AfterChange = Box<dyn FnMut(&[ParameterChange]) + Send>;

/// The parameters of a node. All methods may be called from several threads; sets are made one after the other.
pub struct ParameterStore {
    // Held for reading and for replacing values only, never while a callback runs.
    values: Mutex<BTreeMap<String, ParameterValue>>,
    // Held for a whole set: so callbacks see one at a time.
    callbacks: Mutex<Callbacks>,
    descriptions: BTreeMap<String, ParameterDescription>,
    ignored: Vec<String>,
    is_configured: AtomicBool,
}

#[derive(Default)]
struct Callbacks {
    before: Vec<OnChange>,
    after: Vec<AfterChange>,
}

impl ParameterStore {
    /// Declares the parameters; `overrides` are those for this node ([`super::overrides_of`]), the last of each name
    /// holds.
    ///
    /// # Errors
    /// [`ParameterError`]: two descriptions of one name, a value that its parameter may not have, a default that it
    /// may not have, or an unknown name that was meant for this node only.
    pub fn new(descriptions: Vec<ParameterDescription>, overrides: Vec<Override>) -> Result<Self, ParameterError> {
        let mut store = Self {
            values: Mutex::default(),
            callbacks: Mutex::default(),
            descriptions: BTreeMap::new(),
            ignored: Vec::new(),
            is_configured: AtomicBool::new(false),
        };
        let mut values = BTreeMap::new();
        for description in descriptions {
            let name = description.name.clone();
            values.insert(name.clone(), description.accept(description.default.clone())?);
            if store.descriptions.insert(name.clone(), description).is_some() {
                return Err(ParameterError::DeclaredTwice { name });
            }
        }
        for one in overrides {
            match store.descriptions.get(&one.name) {
                Some(description) => {
                    values.insert(one.name, description.accept(one.value)?);
                }
                None if one.is_meant_for_one() => return Err(store.unknown(&one.name, one.origin.to_string())),
                None => store.ignored.push(format!("{} ({})", one.name, one.origin)),
            }
        }
        store.values = Mutex::new(values);
        Ok(store)
    }

    /// Parameters for any node (`/**`) that this one does not have, and where they were said. They may be meant for
    /// others; worth a line in the log.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    fn unknown(&self, name: &str, from: String) -> ParameterError {
        let likeness = |known: &String| strsim::jaro_winkler(name, known);
        let nearest = self.descriptions.keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let nearest = nearest.filter(|known| likeness(known) > 0.7).cloned();
        ParameterError::Unknown { name: name.to_owned(), nearest, from }
    }

    /// The value now.
    pub fn get(&self, name: &str) -> Option<ParameterValue> {
        lock(&self.values).get(name).cloned()
    }

    /// The value now, as a type of Rust.
    ///
    /// # Errors
    /// [`ParameterError::Unknown`], [`ParameterError::Type`].
    pub fn value<T: FromParameter>(&self, name: &str) -> Result<T, ParameterError> {
        let value = self.get(name).ok_or_else(|| self.unknown(name, String::new()))?;
        T::expect_parameter(name, &value)
    }

    /// All values now, by name.
    pub fn values(&self) -> BTreeMap<String, ParameterValue> {
        lock(&self.values).clone()
    }

    /// What is known of a parameter.
    pub fn description(&self, name: &str) -> Option<&ParameterDescription> {
        self.descriptions.get(name)
    }

    /// All descriptions, by name.
    pub fn descriptions(&self) -> impl Iterator<Item = &ParameterDescription> {
        self.descriptions.values()
    }

    /// Whether parameters that are read when the node is configured are to stay as they are: from then on until it is
    /// cleaned up. Waits for a set under way.
    pub fn set_configured(&self, is_configured: bool) {
        let _set = lock(&self.callbacks);
        self.is_configured.store(is_configured, Ordering::Release);
    }

    /// Has `callback` asked before every change.
    pub fn before_change(&self, callback: OnChange) {
        lock(&self.callbacks).before.push(callback);
    }

    /// Has `callback` told of every change.
    pub fn after_change(&self, callback: AfterChange) {
        lock(&self.callbacks).after.push(callback);
    }

    /// Sets all of these or none; of two with the same name the later holds.
    ///
    /// # Errors
    /// [`ParameterError`] of the first that cannot be set: unknown, of another type, out of range, fixed while the node
    /// is configured (unless it is what it was), or refused by a callback.
    pub fn set(&self, values: &[(&str, ParameterValue)]) -> Result<(), ParameterError> {
        let mut callbacks = lock(&self.callbacks);
        let changes = self.plan(values)?;
        for callback in &mut callbacks.before {
            let answer = guarded(|| callback(&changes)).unwrap_or_else(|panic| Err(format!("panicked: {panic}")));
            answer.map_err(|reason| ParameterError::Refused { reason })?;
        }
        {
            let mut values = lock(&self.values);
            values.extend(changes.iter().map(|change| (change.name.clone(), change.new.clone())));
        }
        let made: Vec<ParameterChange> = changes.into_iter().filter(|change| change.old != change.new).collect();
        if !made.is_empty() {
            for callback in &mut callbacks.after {
                if let Err(panic) = guarded(|| callback(&made)) {
                    log::error!("after a parameter changed: panicked: {panic}");
                }
            }
        }
        Ok(())
    }

    fn plan(&self, values: &[(&str, ParameterValue)]) -> Result<Vec<ParameterChange>, ParameterError> {
        let mut changes: Vec<ParameterChange> = Vec::with_capacity(values.len());
        for (name, value) in values {
            let unknown = || self.unknown(name, String::new());
            let description = self.descriptions.get(*name).ok_or_else(unknown)?;
            let new = description.accept(value.clone())?;
            let old = self.get(name).ok_or_else(unknown)?;
            if !description.dynamic && old != new && self.is_configured.load(Ordering::Acquire) {
                return Err(ParameterError::Configured { name: (*name).to_owned() });
            }
            changes.retain(|change| change.name != *name);
            changes.push(ParameterChange { name: (*name).to_owned(), old, new });
        }
        Ok(changes)
    }
}
