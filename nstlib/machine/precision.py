"""Convolutions in bfloat16, for processors that have instructions for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from nstlib.errors import PrecisionError
from nstlib.machine.measuring import CPUINFO, processor_flags

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # as Linux names them
_OPTION = "auto_mixed_precision_onednn_bfloat16"


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16 (AVX512_BF16 or AMX): False where Linux does not say so."""
    return not processor_flags(CPUINFO).isdisjoint(_INSTRUCTIONS)


def check_bfloat16() -> None:
    """Refuses bfloat16 on a processor without such instructions.

    Raises:
        PrecisionError: naming them.
    """
    if not has_bfloat16():
        raise PrecisionError(
            f"this processor is not known to compute in bfloat16 (none of {', '.join(_INSTRUCTIONS)} in {CPUINFO}); "
            "it would be slower than float32, which stays in use"
        )


def precision_in_use() -> str:
    """In which precision TensorFlow multiplies: "float32" or "bfloat16"; on another backend of Keras "default"."""
    import keras  # not above: an engine asks for `has_bfloat16` alone, and paints without Keras

    if keras.backend.backend() != "tensorflow":
        return "default"
    import tensorflow as tf

    return "bfloat16" if tf.config.optimizer.get_experimental_options().get(_OPTION) else "float32"


@contextmanager
def float32() -> Iterator[None]:
    """What TensorFlow computes in here is multiplied in float32, whatever `use_bfloat16` says."""
    used = precision_in_use()
    if used == "bfloat16":
        use_bfloat16(False)
    try:
        yield
    finally:
        if used == "bfloat16":
            use_bfloat16()


def use_bfloat16(on: bool = True) -> None:
    """From now on, TensorFlow multiplies in bfloat16: faster, with nearly the same result.

    Convolutions and matrix products read numbers of eight binary digits in place of 24 and add up in float32; images,
    losses and L-BFGS stay in float32. It holds for `gatys`, networks and `train`, also for those that
    this process called before. The first call in another precision takes as long as a first call.

    Args:
        on: False goes back to float32.

    Raises:
        PrecisionError: a processor without such instructions, on which bfloat16 would be slow, or unknown.
    """
    if on:
        check_bfloat16()
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({_OPTION: on})
