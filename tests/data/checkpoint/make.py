"""Makes the small check-point in this folder with TensorFlow 2 in its version-1 manner.

    python -m venv venv && venv/bin/pip install tensorflow-cpu && venv/bin/python make.py [GOLDEN_WEIGHTS.npz PREFIX]

A network of three layers as the published code builds it (tf.compat.v1 variables; batch normalisation by hand
with an exponential moving average of the batch moments; Adam; an unnamed step counter), after two steps of
training. `expected.npz` holds the network's variables as TensorFlow returned them.

With arguments it writes the named golden weights, with optimiser slots beside them, as a check-point at PREFIX.
"""

import os
import sys

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_eager_execution()


def convolution(values, outputs, scope, normalise):
    with tf1.variable_scope(scope):
        inputs = values.shape[-1]
        kernel = tf1.get_variable("weights", [1, inputs, outputs], initializer=tf1.glorot_uniform_initializer(seed=3))
        bias = tf1.get_variable("biases", [outputs], initializer=tf1.constant_initializer(0.0))
        values = tf.nn.conv1d(values, kernel, stride=1, padding="VALID") + bias
        if not normalise:
            return values
        with tf1.variable_scope("bn"):
            beta = tf1.get_variable("beta", initializer=tf.zeros([outputs]), use_resource=False)
            gamma = tf1.get_variable("gamma", initializer=tf.ones([outputs]), use_resource=False)
            mean, variance = tf.nn.moments(values, [0, 1], name="moments")
            average = tf.train.ExponentialMovingAverage(decay=0.9)
            with tf.control_dependencies([average.apply([mean, variance])]):
                mean, variance = tf.identity(mean), tf.identity(variance)
        return tf.nn.relu(tf.nn.batch_normalization(values, mean, variance, beta, gamma, 1e-3))


def small():
    folder = os.path.dirname(os.path.abspath(__file__))
    tf1.set_random_seed(1)
    features = tf1.placeholder(tf.float32, [2, 8, 6])
    step = tf1.Variable(0, trainable=False)
    shared = convolution(features, 16, "sem_fc1", True)
    logits = convolution(shared, 13, "sem_fc4", False)
    embeddings = convolution(shared, 5, "ins_fc4", False)
    loss = tf.reduce_mean(logits**2) + tf.reduce_mean((embeddings - 1) ** 2)
    train = tf1.train.AdamOptimizer(1e-2).minimize(loss, global_step=step)
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        for seed in range(2):
            session.run(train, {features: np.random.default_rng(seed).normal(size=(2, 8, 6))})
        tf1.train.Saver(save_relative_paths=True).save(session, os.path.join(folder, "small.ckpt"), write_meta_graph=False)
        network = {v.op.name: v for v in tf1.global_variables() if v.op.name[:3] in ("sem", "ins") and "Adam" not in v.op.name}
        np.savez(os.path.join(folder, "expected.npz"), **session.run(network))


def golden(archive, prefix):
    variables = []
    for name, values in np.load(archive).items():
        values = values.astype(np.float32)
        name = name.removesuffix(":0")
        variables.append(tf1.Variable(values, name=name))
        if not name.endswith("ExponentialMovingAverage"):
            variables += [tf1.Variable(np.zeros_like(values), name=f"{name}/{slot}") for slot in ("Adam", "Adam_1")]
    variables += [tf1.Variable(0.9, name="beta1_power"), tf1.Variable(0.999, name="beta2_power"), tf1.Variable(7)]
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(variables).save(session, prefix, write_meta_graph=False)


golden(*sys.argv[1:]) if len(sys.argv) > 1 else small()
