#!/usr/bin/env bash
# A sum of two arrays by SciPy's BLAS takes a tenth of a millisecond, and then a core for a tenth of a second.
#
# Software: numpy 2.4.6 and scipy 1.17.1 (wheels, each with an OpenBLAS of its own), Linux x86-64, two cores.
# Behaviour: the threads of OpenBLAS wait for more work by asking for it without pause. Whatever computes next in the
#   process, such as a gradient of TensorFlow, shares the cores with them. So saxpy in place of `y += a * x`, twice as
#   fast alone, can slow a loop down. NumPy's dot product and sums of arrays wake no threads; its matrix product does.
#   With OPENBLAS_NUM_THREADS=1 nobody waits.
# Seen: 0.2 ms of saxpy and then 103 ms of a processor while the program sleeps; 104 ms after a matrix product.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ "$(nproc)" -lt 2 ]; then
    echo "one core: OpenBLAS starts no threads here, so there is nothing to see"
    exit 0
fi
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
cat > "$folder/waiting.py" <<'PYTHON'
import time

import numpy as np
import scipy
from scipy.linalg.blas import saxpy

x, y, matrix = np.ones(200_000, np.float32), np.ones(200_000, np.float32), np.ones((300, 300), np.float32)
calls = {
    "SciPy saxpy": lambda: saxpy(x, y, a=0.5),
    "NumPy matrix product": lambda: matrix @ matrix,
    "NumPy dot product": lambda: np.dot(x, y),
    "NumPy sum": lambda: x + y,
}
burnt = {}
for name, call in calls.items():
    took, idle = [], []
    for _ in range(11):
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
        begin = time.process_time()
        time.sleep(0.3)
        idle.append(time.process_time() - begin)
    burnt[name] = 1000 * np.median(idle)
    print(f"{name}: {1000 * np.median(took):.2f} ms, then {burnt[name]:.1f} ms of a processor while the program sleeps")
print(f"numpy {np.__version__}, scipy {scipy.__version__}")
waiting = [name for name, milliseconds in burnt.items() if milliseconds > 10]
print("busy after the call:", waiting)
PYTHON
"$folder/venv/bin/python" "$folder/waiting.py" | tee "$folder/seen"
grep -q "busy after the call: \['SciPy saxpy', 'NumPy matrix product'\]" "$folder/seen"
OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/waiting.py" | grep "busy after the call: \[\]"
