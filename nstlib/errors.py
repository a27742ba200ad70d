"""What nstlib raises, in one place: catch `NstError` for any of them."""


class NstError(Exception):
    """Anything that nstlib refuses or cannot do; the message names the argument or file and says what is accepted."""


class ImageError(NstError, ValueError):
    """An image, a file or an argument that this library cannot work with; the message says why."""


class DataError(NstError, RuntimeError):
    """An unknown name, a picture that cannot be had, or a folder without usable photos."""


class ExtractorError(NstError, RuntimeError):
    """The weights of an extractor are not to be had, or not what they should be."""


class NetworkError(NstError, RuntimeError):
    """A network file that is missing, broken or not a network."""


class OptimizationError(NstError, RuntimeError):
    """An optimisation whose loss stopped being a number."""


class TrainingError(NstError, RuntimeError):
    """Training that cannot start, go on or be resumed."""


class ExportError(NstError, RuntimeError):
    """A network that cannot be exported as asked."""


class PrecisionError(NstError, RuntimeError):
    """A precision in which this processor does not compute well."""


class RecommendationError(NstError, ValueError):
    """A case that the measured tables do not cover."""


class EngineError(NstError, RuntimeError):
    """A network that cannot run on the engine asked for."""


class ClusterError(NstError, RuntimeError):
    """A cluster that cannot be reached, was lost, or whose workers died."""
