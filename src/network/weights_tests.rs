//! Folding, and weights that do not fit.

use super::*;
use crate::network::asis::Asis;
use crate::network::{Description, Layer, Operation};

/// One dense layer 6 → 4 on eight points.
pub fn one_dense_layer() -> Architecture {
    let layer = Layer {
        scope: "only".to_owned(),
        inputs: vec!["features".to_owned()],
        operation: Operation::Dense { outputs: 4 },
    };
    Architecture::new(Description {
        name: "test".to_owned(),
        points: 8,
        feature_columns: 9,
        levels: vec![],
        layers: vec![layer],
        logits: "only".to_owned(),
        embeddings: "only".to_owned(),
    })
    .unwrap()
}

type Variables = Vec<(String, Vec<usize>, Vec<f32>)>;

fn listed(architecture: &Architecture, weights: &Weights) -> Variables {
    let take = |name: &str| weights.variable(name).unwrap().to_vec();
    architecture.variables().into_iter().map(|v| (v.name.clone(), v.shape, take(&v.name))).collect()
}

#[test]
fn folding_is_convolution_then_normalisation() {
    let architecture = one_dense_layer();
    let weights = Weights::untrained(&architecture, 3);
    let parameters = weights.fold(&architecture).unwrap();
    let folded = parameters.convolution("only").unwrap();
    let of = |name: &str| weights.variable(&format!("only/{name}")).unwrap();
    let moments = "bn/only/bn/moments/";
    let (mean, variance) = (
        of(&format!("{moments}Squeeze/ExponentialMovingAverage")),
        of(&format!("{moments}Squeeze_1/ExponentialMovingAverage")),
    );
    let x = [0.3f32, -1.0, 2.0, 0.5, 0.25, -4.0];
    for output in 0..4 {
        let sum = |matrix: &[f32]| -> f64 {
            (0..6).map(|input| f64::from(x[input]) * f64::from(matrix[input * 4 + output])).sum()
        };
        let convolved = sum(of("weights")) + f64::from(of("biases")[output]);
        let deviation = (f64::from(variance[output]) + 1e-3).sqrt();
        let expected = (convolved - f64::from(mean[output])) / deviation * f64::from(of("bn/gamma")[output])
            + f64::from(of("bn/beta")[output]);
        let actual = sum(&folded.weight) + f64::from(folded.bias[output]);
        assert!((expected - actual).abs() < 1e-5, "{expected} {actual}");
    }
}

#[test]
fn wrong_variables_are_refused_by_name() {
    let architecture = one_dense_layer();
    let good = listed(&architecture, &Weights::untrained(&architecture, 1));
    let refuse = |change: &dyn Fn(&mut Variables)| {
        let mut variables = good.clone();
        change(&mut variables);
        Weights::new(&architecture, variables).unwrap_err()
    };
    assert!(Weights::new(&architecture, good.clone()).is_ok());
    assert!(matches!(refuse(&|v| drop(v.remove(2))), WeightsError::Missing { name, .. } if name == "only/bn/beta"));
    assert!(matches!(refuse(&|v| v[0].1 = vec![1, 4, 6]), WeightsError::Shape { name, .. } if name == "only/weights"));
    assert!(matches!(refuse(&|v| v[1].2.truncate(3)), WeightsError::Shape { .. }));
    assert!(matches!(refuse(&|v| v[1].2[3] = f32::NAN), WeightsError::NotFinite { index: 3, .. }));
    assert!(matches!(refuse(&|v| v[0].0 = "other/weights".to_owned()), WeightsError::Unexpected { .. }));
    assert!(matches!(refuse(&|v| v.push(v[0].clone())), WeightsError::Duplicate { .. }));
}

#[test]
fn a_negative_variance_is_refused() {
    let architecture = one_dense_layer();
    let mut variables = listed(&architecture, &Weights::untrained(&architecture, 1));
    variables.last_mut().unwrap().2[1] = -0.5;
    let weights = Weights::new(&architecture, variables).unwrap();
    assert!(matches!(weights.fold(&architecture), Err(WeightsError::NegativeVariance { index: 1, .. })));
}

#[test]
fn weights_of_another_architecture_do_not_fold() {
    let weights = Weights::untrained(&one_dense_layer(), 1);
    let asis = Asis::default().architecture().unwrap();
    assert!(matches!(weights.fold(&asis), Err(WeightsError::Missing { .. })));
}
