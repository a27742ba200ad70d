"""The apparatus of the study: profiles, results, comparisons, statistics, advice, figures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
