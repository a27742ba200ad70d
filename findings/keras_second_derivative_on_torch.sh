#!/usr/bin/env bash
# On the PyTorch backend a second derivative through keras.ops.custom_gradient is wrong, and nothing is raised.
#
# Software: keras 3.15.1 on torch 2.13.0 and on jax 0.10.2, numpy 2.4.6, Linux x86-64, no GPU.
# Behaviour: what the gradient uses of values computed on the way forward, as the example of Keras' documentation does,
#   PyTorch takes for a constant: the forward pass runs where derivatives are not recorded. The first derivative is
#   right; a penalty on gradients or a Hessian lacks the part that goes through those values. JAX has it.
# Seen: (x³)² at 0.5: first derivative 0.1875 on both; second 1.875 on jax, 1.125 on torch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 jax==0.10.2 keras==3.15.1 numpy==2.4.6
cat >"$folder/derivatives.py" <<'PYTHON'
import keras
import numpy as np


@keras.ops.custom_gradient
def cube(x):
    square = x * x

    def gradient(*arguments, upstream=None):
        return 3.0 * square * (arguments[-1] if upstream is None else upstream)

    return square * x, gradient


def function(x):
    return keras.ops.sum(cube(x) ** 2)


if keras.backend.backend() == "jax":
    import jax

    x = np.array([0.5], np.float32)
    first = jax.grad(function)(x)
    second = jax.grad(lambda x: jax.grad(function)(x).sum())(x)
else:
    import torch

    x = torch.tensor([0.5], requires_grad=True)
    (first,) = torch.autograd.grad(function(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
found = [round(float(each[0]), 4) for each in (first, second)]
print(f"keras {keras.__version__} on {keras.backend.backend()}: {found}")
expected = {"jax": [0.1875, 1.875], "torch": [0.1875, 1.125]}
assert found == expected[keras.backend.backend()], "it computes otherwise now"
PYTHON
for backend in jax torch; do
  KERAS_BACKEND=$backend "$folder/venv/bin/python" "$folder/derivatives.py"
done
