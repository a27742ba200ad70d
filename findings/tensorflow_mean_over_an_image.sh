#!/usr/bin/env bash
# TensorFlow's mean over height and width adds float32 numbers one by one on a CPU.
#
# Software: tensorflow 2.21.0, numpy 2.4.6, Linux x86-64, no GPU.
# Behaviour: of a feature map in which every one of a million places holds 200.3, reduce_mean over height and width
#   gives a number that is wrong in the third digit (three channels; with eight, in the fourth). A mean over the width and then over the height is right, as are
#   NumPy's pairwise sums. Instance normalisation, Gram matrices and perceptual metrics all take such means, so they
#   drift with the size of the picture.
# Seen: 202.6479 in one mean, 200.2971 in two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf

features = tf.fill((1, 1000, 1000, 3), np.float32(200.3))
at_once = float(tf.reduce_mean(features, axis=(1, 2))[0, 0])
in_turn = float(tf.reduce_mean(tf.reduce_mean(features, axis=2), axis=1)[0, 0])
print(f"tensorflow {tf.__version__}: mean over (height, width) {at_once:.4f}, width then height {in_turn:.4f}")
assert abs(at_once - 200.3) > 1, "the mean over both axes is right now"
assert abs(in_turn - 200.3) < 0.01, "the two means in turn are wrong now"
PYTHON
