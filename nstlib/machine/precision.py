"""Convolutions in bfloat16, for processors that have instructions for it."""

import keras

from nstlib.errors import PrecisionError
from nstlib.machine.measuring import CPUINFO, processor_flags

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # as Linux names them
_OPTION = "auto_mixed_precision_onednn_bfloat16"


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16 (AVX512_BF16 or AMX): False where Linux does not say so."""
    return not processor_flags(CPUINFO).isdisjoint(_INSTRUCTIONS)


def precision_in_use() -> str:
    """In which precision TensorFlow multiplies: "float32" or "bfloat16"; on another backend of Keras "default"."""
    if keras.backend.backend() != "tensorflow":
        return "default"
    import tensorflow as tf

    return "bfloat16" if tf.config.optimizer.get_experimental_options().get(_OPTION) else "float32"


def use_bfloat16(on: bool = True) -> None:
    """From now on, TensorFlow multiplies in bfloat16: in nearly half the time, with nearly the same result.

    Convolutions and matrix products read numbers of eight binary digits in place of 24 and add up in float32; images,
    losses and L-BFGS stay in float32. For `gatys`, networks and `train`. Call it first: what this process computed
    before stays as it was compiled, at those sizes.

    Args:
        on: False goes back to float32.

    Raises:
        PrecisionError: a processor without such instructions, on which bfloat16 would be slow, or unknown.
    """
    if on and not has_bfloat16():
        raise PrecisionError(
            f"this processor is not known to compute in bfloat16 (none of {', '.join(_INSTRUCTIONS)} in {CPUINFO}); "
            "it would be slower than float32, which stays in use"
        )
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({_OPTION: on})
