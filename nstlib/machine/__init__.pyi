from .measuring import Timing, describe_machine, in_fresh_process, measure, peak_memory
from .memory import check_memory, estimate_memory, free_memory
from .precision import has_bfloat16, use_bfloat16

__all__ = [
    "Timing",
    "check_memory",
    "describe_machine",
    "estimate_memory",
    "free_memory",
    "has_bfloat16",
    "in_fresh_process",
    "measure",
    "peak_memory",
    "use_bfloat16",
]
