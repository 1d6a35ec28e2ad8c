//! The trained pieces of a network: 1×1 convolutions and their variables.

/// How the reference stores a convolution's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// `conv1d`: `[1, inputs, outputs]`.
    Conv1d,
    /// `conv2d`: `[1, 1, inputs, outputs]`.
    Conv2d,
    /// PointConv's aggregation: `[1, inputs / middle, middle, outputs]`, the same order of rows.
    Aggregation {
        /// Functions of the relative position per channel.
        middle: usize,
    },
    /// No kernel at all: a bias and a batch normalisation whose moments are scalars, over all rows and
    /// channels together. Folded it is a factor and a shift per channel: `1 × outputs`.
    Scale,
}

/// A 1×1 convolution: the same matrix applied to every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// The reference's TensorFlow scope, for example `layer1/conv0`.
    pub scope: String,
    /// Input width.
    pub inputs: usize,
    /// Output width.
    pub outputs: usize,
    /// How the kernel is stored.
    pub kernel: Kernel,
    /// Whether batch normalisation and ReLU follow. If not, neither follows.
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
    /// Name of the kernel, whose shape [`Kernel`] gives; of a folded [`Kernel::Scale`], of its factors.
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
        let &Self { inputs, outputs, .. } = self;
        let kernel = match self.kernel {
            Kernel::Conv1d => Some(vec![1, inputs, outputs]),
            Kernel::Conv2d => Some(vec![1, 1, inputs, outputs]),
            Kernel::Aggregation { middle } => Some(vec![1, inputs / middle, middle, outputs]),
            Kernel::Scale => None,
        };
        let mut variables: Vec<Variable> =
            kernel.into_iter().map(|shape| Variable { name: self.weights(), shape, trainable: true }).collect();
        let mut add = |name: String, shape: Vec<usize>, trainable| variables.push(Variable { name, shape, trainable });
        add(self.biases(), vec![outputs], true);
        if self.normalised {
            add(self.beta(), vec![outputs], true);
            add(self.gamma(), vec![outputs], true);
            let moments = if self.kernel == Kernel::Scale { vec![] } else { vec![outputs] };
            add(self.mean(), moments.clone(), false);
            add(self.variance(), moments, false);
        }
        variables
    }
}
