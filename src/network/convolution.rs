//! The trained pieces of a network: 1×1 convolutions and their variables.

/// A 1×1 convolution: the same matrix applied to every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// The reference's TensorFlow scope, for example `layer1/conv0`.
    pub scope: String,
    /// Input width.
    pub inputs: usize,
    /// Output width.
    pub outputs: usize,
    /// Kernel axes of size one before `[inputs, outputs]` in the stored weights: 2 for the
    /// reference's `conv2d`, 1 for its `conv1d`.
    pub leading_axes: usize,
    /// Whether batch normalisation and ReLU follow. If not, nothing follows.
    pub normalised: bool,
}

/// A stored array of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Full name, without TensorFlow's `:0`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether an optimiser changes it (moving averages are stored but not trained).
    pub trainable: bool,
}

impl Convolution {
    /// Name of the kernel: shape `[1, …, inputs, outputs]`.
    pub fn weights(&self) -> String {
        format!("{}/weights", self.scope)
    }

    /// Name of the bias: shape `[outputs]`.
    pub fn biases(&self) -> String {
        format!("{}/biases", self.scope)
    }

    /// Name of the batch normalisation's shift.
    pub fn beta(&self) -> String {
        format!("{}/bn/beta", self.scope)
    }

    /// Name of the batch normalisation's scale.
    pub fn gamma(&self) -> String {
        format!("{}/bn/gamma", self.scope)
    }

    /// Name of the moving mean. The reference repeats the scope and calls the batch mean `Squeeze`.
    pub fn mean(&self) -> String {
        format!("{0}/bn/{0}/bn/moments/Squeeze/ExponentialMovingAverage", self.scope)
    }

    /// Name of the moving (biased) variance.
    pub fn variance(&self) -> String {
        format!("{0}/bn/{0}/bn/moments/Squeeze_1/ExponentialMovingAverage", self.scope)
    }

    /// Every stored array of this convolution, in the reference's order.
    pub fn variables(&self) -> Vec<Variable> {
        let mut kernel = vec![1; self.leading_axes];
        kernel.extend([self.inputs, self.outputs]);
        let vector = |name: String, trainable: bool| Variable { name, shape: vec![self.outputs], trainable };
        let mut variables =
            vec![Variable { name: self.weights(), shape: kernel, trainable: true }, vector(self.biases(), true)];
        if self.normalised {
            variables.extend([
                vector(self.beta(), true),
                vector(self.gamma(), true),
                vector(self.mean(), false),
                vector(self.variance(), false),
            ]);
        }
        variables
    }
}
