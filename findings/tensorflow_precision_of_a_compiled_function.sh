#!/usr/bin/env bash
# TensorFlow's optimiser options, set later, change what an already compiled tf.function computes: also back again.
#
# Software: tensorflow 2.21.0, numpy 2.4.6, Linux x86-64, a processor with AVX512_BF16 or AMX.
# Behaviour: tf.config.optimizer.set_experimental_options holds for the next call of every function, those that were
#   traced and called before too, and without tracing them again. A function that was first called with
#   auto_mixed_precision_onednn_bfloat16 computes in float32 once the option is off, so two functions cannot be kept side
#   by side, one in each precision, by switching while they are compiled: whoever times them so times one precision twice.
#   Each has a graph for each setting; switching costs nothing from the second time on.
# Seen: largest difference to the first result: on 1.15, off 0, on 1.15; of the concrete function: off 0, on 1.15;
#   traced once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf

generator = np.random.default_rng(0)
features = tf.constant(generator.random((1, 64, 64, 16), dtype=np.float32))
kernel = tf.constant(generator.normal(size=(3, 3, 16, 16)).astype(np.float32))


@tf.function(autograph=False)
def convolve(images):
    for _ in range(2):
        images = tf.nn.relu(tf.nn.conv2d(images, kernel, 1, "SAME"))
    return images


def difference(function, bfloat16):
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": bfloat16})
    return float(np.abs(function(features) - exact).max())


exact = convolve(features).numpy()
concrete = convolve.get_concrete_function(features)
seen = [difference(convolve, on) for on in (True, False, True)]
seen += [difference(concrete, on) for on in (False, True)]
traces = convolve.experimental_get_tracing_count()
print(f"tensorflow {tf.__version__}, on, off, on; concrete: off, on:", [round(each, 2) for each in seen], "traces:", traces)
assert [each > 0 for each in seen] == [True, False, True, False, True], "a compiled function keeps its precision now"
assert traces == 1, "it is traced again now"
PYTHON
