"""The machine: seconds, memory, precision, and what a reader needs to know of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
