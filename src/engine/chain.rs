//! The engines of one thread, in order of preference.
//!
//! An engine that fails or panics gives its place to the next one, for good and with a reason. The last
//! one keeps its place whatever it does: a poor answer may come again, no engine never answers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{BlockInput, Engine, EngineError, Prediction};

/// One engine that gave its place to another.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineFallback {
    /// The engine that failed.
    pub from: &'static str,
    /// The engine that runs from now on.
    pub to: &'static str,
    /// Why.
    pub reason: EngineError,
}

impl std::fmt::Display for EngineFallback {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} takes over from {}: {}", self.to, self.from, self.reason)
    }
}

/// Engines for the same model, best first. There is always one.
pub struct EngineChain {
    current: Box<dyn Engine>,
    /// The next one last.
    rest: Vec<Box<dyn Engine>>,
}

impl EngineChain {
    /// `first` and the engines that take over when it fails, in their order.
    pub fn new(first: Box<dyn Engine>, mut next: Vec<Box<dyn Engine>>) -> Self {
        next.reverse();
        Self { current: first, rest: next }
    }

    /// Name of the engine that runs.
    pub fn name(&self) -> &'static str {
        self.current.name()
    }

    /// Runs one block on the engine that is in place. A panic is an error like another.
    ///
    /// The second value tells if the engine lost its place by it; the block is not tried again.
    ///
    /// # Errors
    /// What the engine says.
    pub fn run(
        &mut self,
        block: BlockInput<'_>,
        prediction: &mut Prediction,
    ) -> (Result<(), EngineError>, Option<EngineFallback>) {
        let engine = self.current.name();
        let result = catch_unwind(AssertUnwindSafe(|| self.current.run(block, prediction)))
            .unwrap_or_else(|panic| Err(EngineError::Panicked { engine, reason: words(panic.as_ref()) }));
        let fallback = match &result {
            Err(reason) if reason.is_of_engine() => self.fall_back(reason),
            _ => None,
        };
        (result, fallback)
    }

    fn fall_back(&mut self, reason: &EngineError) -> Option<EngineFallback> {
        let next = self.rest.pop()?;
        let from = std::mem::replace(&mut self.current, next);
        Some(EngineFallback { from: from.name(), to: self.current.name(), reason: reason.clone() })
    }
}

impl From<Box<dyn Engine>> for EngineChain {
    fn from(engine: Box<dyn Engine>) -> Self {
        Self::new(engine, Vec::new())
    }
}

/// What somebody said when panicking.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::GeometryPlan;

    struct Scripted(&'static str, fn() -> Result<(), EngineError>);

    impl Engine for Scripted {
        fn name(&self) -> &'static str {
            self.0
        }

        fn run(&mut self, _: BlockInput<'_>, _: &mut Prediction) -> Result<(), EngineError> {
            self.1()
        }
    }

    fn run(chain: &mut EngineChain) -> (Result<(), EngineError>, Option<EngineFallback>) {
        let plan = GeometryPlan::default();
        chain.run(BlockInput { features: &[], plan: &plan }, &mut Prediction::default())
    }

    fn boxed(name: &'static str, run: fn() -> Result<(), EngineError>) -> Box<dyn Engine> {
        Box::new(Scripted(name, run))
    }

    #[test]
    fn engines_take_over_in_order_and_the_last_stays() {
        let broken = || Err(EngineError::Failed { engine: "second", reason: "out of luck".into() });
        let mut chain = EngineChain::new(
            boxed("first", || panic!("no such instruction")),
            vec![boxed("second", broken), boxed("third", || panic!("{} too", 3))],
        );
        let (result, fallback) = run(&mut chain);
        let reason = EngineError::Panicked { engine: "first", reason: "no such instruction".into() };
        assert_eq!(result, Err(reason.clone()));
        assert_eq!(fallback, Some(EngineFallback { from: "first", to: "second", reason }));
        let (_, fallback) = run(&mut chain);
        assert_eq!(fallback.map(|fallback| fallback.to), Some("third"));
        for _ in 0..2 {
            let (result, fallback) = run(&mut chain);
            assert_eq!(result, Err(EngineError::Panicked { engine: "third", reason: "3 too".into() }));
            assert_eq!((fallback, chain.name()), (None, "third"));
        }
    }

    #[test]
    fn a_block_that_does_not_fit_is_not_the_engines_fault() {
        let misfit = || Err(EngineError::Shape { what: "features", expected: 9, actual: 8 });
        let mut chain = EngineChain::new(boxed("first", misfit), vec![boxed("second", || Ok(()))]);
        let (result, fallback) = run(&mut chain);
        assert!(result.is_err() && fallback.is_none());
        assert_eq!(chain.name(), "first");
    }
}
