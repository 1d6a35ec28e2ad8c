//! Trained variables by name, and the folded parameters that a network runs on.
//!
//! [`Weights`] are what training stores: kernels, biases and batch normalisation, each under its
//! TensorFlow scope name (`layer1/conv0/weights`). [`Parameters`] are what inference needs: one
//! matrix and one bias per convolution, batch normalisation folded in.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::architecture::Architecture;
use super::convolution::{Convolution, Kernel, Variable};

/// Added to the variance by every batch normalisation of the reference.
pub const BATCH_NORMALISATION_EPSILON: f64 = 1e-3;

/// Why a set of variables is not the weights of an architecture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The archive cannot be read.
    #[error("weights {path}: {reason}")]
    Unreadable {
        /// The archive.
        path: String,
        /// What the reader said.
        reason: String,
    },
    /// A variable of the architecture is not there.
    #[error("variable {name} is missing (shape {shape:?})")]
    Missing {
        /// Its name.
        name: String,
        /// The shape it should have.
        shape: Vec<usize>,
    },
    /// A variable has the wrong shape.
    #[error("variable {name}: expected shape {expected:?}, found {actual:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        actual: Vec<usize>,
    },
    /// A variable is neither f16, f32 nor f64.
    #[error("variable {name}: expected f16, f32 or f64 little-endian in C order, found {actual}")]
    Type {
        /// Its name.
        name: String,
        /// The type it has.
        actual: String,
    },
    /// A variable holds NaN or an infinity.
    #[error("variable {name}: value {index} is {value}")]
    NotFinite {
        /// Its name.
        name: String,
        /// Position of the first such value in C order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A variable holds a value that 16 bits cannot.
    #[error("variable {name}: value {index} is {value}, beyond the range of fp16 (±65504)")]
    BeyondHalf {
        /// Its name.
        name: String,
        /// Position of the first such value in C order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A quantisation scale is not positive.
    #[error("scale {name}: entry {index} is {value}: a scale is a positive finite number")]
    Scale {
        /// Its name.
        name: String,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A moving variance is negative.
    #[error("variable {name}: variance {index} is {value}, below zero")]
    NegativeVariance {
        /// Its name.
        name: String,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A variable that the architecture does not have.
    #[error("variable {name} is not part of architecture {architecture}")]
    Unexpected {
        /// Its name.
        name: String,
        /// The architecture.
        architecture: String,
    },
    /// The same variable twice, with and without `:0`.
    #[error("variable {name} is there twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
}

/// The variables of an architecture: all there, in shape, finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    values: BTreeMap<String, Vec<f32>>,
}

/// A convolution with its batch normalisation folded in: `y = x · weight + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedConvolution {
    /// Input width.
    pub inputs: usize,
    /// Output width.
    pub outputs: usize,
    /// `inputs × outputs`, row by input.
    pub weight: Vec<f32>,
    /// `outputs`.
    pub bias: Vec<f32>,
}

/// The folded convolutions of an architecture by scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    convolutions: BTreeMap<String, FoldedConvolution>,
}

impl Weights {
    /// Checks named variables, given as (name without `:0`, shape, values in C order).
    ///
    /// # Errors
    /// [`WeightsError`] naming the first variable that is missing, misshapen, not finite, twice
    /// there, or not part of the architecture.
    pub fn new(
        architecture: &Architecture,
        variables: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>,
    ) -> Result<Self, WeightsError> {
        let expected: BTreeMap<String, Variable> =
            architecture.variables().into_iter().map(|variable| (variable.name.clone(), variable)).collect();
        let mut values = BTreeMap::new();
        for (name, shape, data) in variables {
            let Some(variable) = expected.get(&name) else {
                return Err(WeightsError::Unexpected { name, architecture: architecture.name().to_owned() });
            };
            if variable.shape != shape || data.len() != shape.iter().product::<usize>() {
                return Err(WeightsError::Shape { name, expected: variable.shape.clone(), actual: shape });
            }
            check_finite(&name, &data)?;
            if values.insert(name.clone(), data).is_some() {
                return Err(WeightsError::Duplicate { name });
            }
        }
        match expected.into_values().find(|variable| !values.contains_key(&variable.name)) {
            Some(Variable { name, shape, .. }) => Err(WeightsError::Missing { name, shape }),
            None => Ok(Self { values }),
        }
    }

    /// Weights before any training, the same on every machine: Xavier-uniform kernels, and biases and
    /// batch normalisation a little off their neutral values so that none of them can go unnoticed.
    pub fn untrained(architecture: &Architecture, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut values = BTreeMap::new();
        for convolution in architecture.convolutions() {
            let bound = (6.0 / (convolution.inputs + convolution.outputs) as f32).sqrt();
            for variable in convolution.variables() {
                let range = match &variable.name {
                    name if *name == convolution.weights() => -bound..bound,
                    name if *name == convolution.gamma() || *name == convolution.variance() => 0.8..1.2,
                    _ => -0.1..0.1,
                };
                let length = variable.shape.iter().product();
                values.insert(variable.name, (0..length).map(|_| random.random_range(range.clone())).collect());
            }
        }
        Self { values }
    }

    /// Values of a variable in C order.
    pub fn variable(&self, name: &str) -> Option<&[f32]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// Folds every batch normalisation into its convolution, in double precision:
    /// `weight · γ/√(σ² + ε)` and `(bias − μ) · γ/√(σ² + ε) + β`.
    ///
    /// The factor of a [`Kernel::Scale`] goes into the convolution before it, whose output it multiplies (summed over
    /// neighbours in between): what stays of it is a factor of 1.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] when `architecture` is not the one that the weights were checked
    /// against, [`WeightsError::NegativeVariance`], [`WeightsError::NotFinite`] when a folded value
    /// leaves the range of f32.
    pub fn fold(&self, architecture: &Architecture) -> Result<Parameters, WeightsError> {
        let mut folded: Vec<(Convolution, FoldedConvolution)> = Vec::new();
        for convolution in architecture.convolutions() {
            let mut result = self.fold_one(&convolution)?;
            if let (Kernel::Scale, Some((_, before))) = (convolution.kernel, folded.last_mut()) {
                before.scale_outputs(&result.weight);
                result.weight.fill(1.0);
            }
            folded.push((convolution, result));
        }
        for (convolution, result) in &folded {
            check_finite(&convolution.weights(), &result.weight)?;
            check_finite(&convolution.biases(), &result.bias)?;
        }
        Ok(Parameters {
            convolutions: folded.into_iter().map(|(convolution, result)| (convolution.scope, result)).collect(),
        })
    }

    fn fold_one(&self, convolution: &Convolution) -> Result<FoldedConvolution, WeightsError> {
        let (inputs, outputs) = (convolution.inputs, convolution.outputs);
        let get = |name: String, length: usize| match self.values.get(&name) {
            Some(values) if values.len() == length => Ok(values.as_slice()),
            _ => Err(WeightsError::Missing { name, shape: vec![length] }),
        };
        let mut weight = match convolution.kernel {
            Kernel::Scale => vec![1.0; outputs],
            _ => get(convolution.weights(), inputs * outputs)?.to_vec(),
        };
        let mut bias = get(convolution.biases(), outputs)?.to_vec();
        if convolution.normalised {
            let (gamma, beta) = (get(convolution.gamma(), outputs)?, get(convolution.beta(), outputs)?);
            let moments = if convolution.kernel == Kernel::Scale { 1 } else { outputs };
            let (mean, variance) = (get(convolution.mean(), moments)?, get(convolution.variance(), moments)?);
            if let Some(index) = variance.iter().position(|&value| value < 0.0) {
                let name = convolution.variance();
                return Err(WeightsError::NegativeVariance { name, index, value: variance[index] });
            }
            for output in 0..outputs {
                let moment = output % moments;
                let deviation = (f64::from(variance[moment]) + BATCH_NORMALISATION_EPSILON).sqrt();
                let scale = f64::from(gamma[output]) / deviation;
                for input in 0..inputs {
                    let value = &mut weight[input * outputs + output];
                    *value = (f64::from(*value) * scale) as f32;
                }
                let centred = f64::from(bias[output]) - f64::from(mean[moment]);
                bias[output] = (centred * scale + f64::from(beta[output])) as f32;
            }
        }
        Ok(FoldedConvolution { inputs, outputs, weight, bias })
    }
}

impl FoldedConvolution {
    /// Multiplies every output by a factor of its own.
    pub(crate) fn scale_outputs(&mut self, factors: &[f32]) {
        for row in self.weight.chunks_exact_mut(self.outputs.max(1)).chain([self.bias.as_mut_slice()]) {
            row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        }
    }
}

impl Parameters {
    /// Puts folded convolutions together, given as (scope, convolution).
    ///
    /// # Errors
    /// [`WeightsError`] as [`Weights::new`], under the names `<scope>/weights` and `<scope>/biases`.
    pub fn new(
        architecture: &Architecture,
        folded: impl IntoIterator<Item = (String, FoldedConvolution)>,
    ) -> Result<Self, WeightsError> {
        let mut given: BTreeMap<String, FoldedConvolution> = folded.into_iter().collect();
        let mut convolutions = BTreeMap::new();
        for Convolution { scope, inputs, outputs, .. } in architecture.convolutions() {
            let (name, expected) = (format!("{scope}/weights"), vec![inputs, outputs]);
            let Some(convolution) = given.remove(&scope) else {
                return Err(WeightsError::Missing { name, shape: expected });
            };
            let actual = vec![convolution.inputs, convolution.outputs];
            if actual != expected || convolution.weight.len() != inputs * outputs || convolution.bias.len() != outputs {
                return Err(WeightsError::Shape { name, expected, actual });
            }
            check_finite(&name, &convolution.weight)?;
            check_finite(&format!("{scope}/biases"), &convolution.bias)?;
            convolutions.insert(scope, convolution);
        }
        match given.into_keys().next() {
            Some(name) => Err(WeightsError::Unexpected { name, architecture: architecture.name().to_owned() }),
            None => Ok(Self { convolutions }),
        }
    }

    /// Checks that these are parameters of an architecture.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] with the first convolution that is not here in the right shape.
    pub fn check(&self, architecture: &Architecture) -> Result<(), WeightsError> {
        let fits = |wanted: &Convolution| {
            let found = self.convolutions.get(&wanted.scope);
            found.is_some_and(|found| (found.inputs, found.outputs) == (wanted.inputs, wanted.outputs))
        };
        match architecture.convolutions().into_iter().find(|wanted| !fits(wanted)) {
            Some(wanted) => {
                Err(WeightsError::Missing { name: wanted.weights(), shape: vec![wanted.inputs, wanted.outputs] })
            }
            None => Ok(()),
        }
    }

    /// The folded convolution of a scope.
    pub fn convolution(&self, scope: &str) -> Option<&FoldedConvolution> {
        self.convolutions.get(scope)
    }
}

fn check_finite(name: &str, values: &[f32]) -> Result<(), WeightsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(WeightsError::NotFinite { name: name.to_owned(), index, value: values[index] }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "weights_tests.rs"]
pub(super) mod tests;
