#!/usr/bin/env bash
# TensorFlow on a CPU drops NaN in max pooling, and in a ReLU that its compiler joins with the convolution before it.
#
# Software: tensorflow 2.21.0, numpy 2.4.6, Linux x86-64, no GPU.
# Behaviour: a feature map with one place of NaN comes out of max_pool2d finite, while reduce_max keeps the NaN. Convolution,
#   bias and ReLU keep it when they are called one by one and under XLA; in a tf.function the three become one kernel and
#   the result is finite. So features, losses and pictures can look sound while pixels or weights are not: what watches
#   for divergence has to look at these.
# Seen: NaN after max_pool2d no, reduce_max yes; convolution with ReLU: eager yes, tf.function no, XLA yes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf

features = np.ones((1, 8, 8, 16), np.float32)
features[0, 3, 3] = np.nan
features = tf.constant(features)
kernel = np.random.default_rng(0).normal(size=(3, 3, 16, 16)).astype(np.float32)
bias = tf.zeros(16)


def convolve(images):
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernel, 1, "SAME"), bias))


def has_nan(tensor):
    return bool(np.isnan(tensor).any())


seen = {
    "max_pool2d": has_nan(tf.nn.max_pool2d(features, 2, 2, "VALID")),
    "reduce_max": has_nan(tf.reduce_max(features)),
    "convolution and ReLU, eager": has_nan(convolve(features)),
    "in a tf.function": has_nan(tf.function(convolve, autograph=False)(features)),
    "with XLA": has_nan(tf.function(convolve, autograph=False, jit_compile=True)(features)),
}
print(f"tensorflow {tf.__version__}, NaN kept:", seen)
assert list(seen.values()) == [False, True, True, False, True], "NaN is kept otherwise now"
PYTHON
