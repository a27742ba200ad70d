#!/usr/bin/env bash
# On the PyTorch backend, Keras' GroupNormalization gives NaN for an input that does not vary.
#
# Software: keras 3.15.1 on torch 2.13.0, numpy 2.4.6, Linux x86-64, no GPU. The TensorFlow backend gives 0.
# Behaviour: the backend takes the variance as E[x^2] - E[x]^2, which rounding can make negative by more than epsilon;
#   the root of that is NaN. One flat channel is enough, so a network with instance normalisation (groups=-1) makes
#   NaN of a picture of one colour, and nothing is raised.
# Seen: NaN for inputs of 20.3, 200.3 and 777.7.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 keras==3.15.1 numpy==2.4.6
KERAS_BACKEND=torch "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

layer = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
spoiled = []
for value in (0.3, 1.7, 20.3, 90.1, 200.3, 777.7):
    image = np.full((1, 64, 64, 8), value, np.float32)
    if np.isnan(keras.ops.convert_to_numpy(layer(image))).any():
        spoiled.append(value)
print(f"keras {keras.__version__} on {keras.backend.backend()}: NaN for flat inputs of {spoiled}")
assert spoiled, "no flat input gives NaN any more"
PYTHON
