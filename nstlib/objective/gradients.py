"""Functions whose gradient is written out, where the one that a backend derives takes more passes over the memory."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any  # an array of Keras' backend, or NumPy's


def with_gradient(
    function: Callable[..., tuple[Tensor, Callable[[Tensor], Tensor | Sequence[Tensor]]]],
) -> Callable[..., Tensor]:
    """A function of tensors with the gradient that it gives itself, on every backend.

    The first derivative only: on PyTorch a second one would be wrong. Symbolic tensors of Keras, from which a model is
    built, get the gradient that the backend derives.

    Args:
        function: of tensors, giving `(value, gradient)`. `gradient` takes what the loss changes by for each element of
            the value, and gives the same for each tensor that came in, in their shapes.

    Returns:
        The function of the value alone.
    """

    @ops.custom_gradient
    def custom(*tensors):
        value, gradient = function(*tensors)

        # TensorFlow and JAX pass what comes from above alone, PyTorch what came in before it.
        def from_above(*arguments, upstream=None):
            return gradient(arguments[-1] if upstream is None else upstream)

        return value, from_above

    def value(*tensors):
        if any(isinstance(each, keras.KerasTensor) for each in tensors):
            return function(*tensors)[0]
        return custom(*map(_as_tensor, tensors))

    return value


def _as_tensor(value: Tensor) -> Tensor:
    # Of a variable, `convert_to_tensor` of TensorFlow gives the variable back, which eager custom gradients refuse.
    return ops.copy(value) if isinstance(value, keras.Variable) else ops.convert_to_tensor(value)
