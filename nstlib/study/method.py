"""A method of the comparison as a value; the one place where its label in tables and figures is written and read."""

import re
from dataclasses import dataclass

from nstlib.arguments import check_count
from nstlib.johnson import PRECISIONS, SLIM_WIDTH

_NAMES = {
    "identity": "identity",
    "colour transfer": "colour transfer",
    "gatys": "Gatys",
    "adam": "Adam",
    "johnson": "Johnson",
    "hybrid": "hybrid",
}
_BASELINES = ("identity", "colour transfer")
_WITH_NETWORK = ("johnson", "hybrid")
_OPTIMISED = ("gatys", "adam", "hybrid")
_WIDTHS = {1.0: "", SLIM_WIDTH: " slim"}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_SUFFIXES = {suffix: width for width, suffix in _WIDTHS.items()}
_EXACT, *_ROUNDED = PRECISIONS  # float32, which labels do not name, and what engines offer besides
_LABEL = re.compile(
    rf"({'|'.join(_KINDS)})({'|'.join(_SUFFIXES)})(?: ({'|'.join(_ROUNDED)}))?(?: ([1-9]\d*))?"
)


@dataclass(frozen=True)
class Method:
    """One way from a photo and a style to an image; equal values are the same method.

    Attributes:
        kind: `"identity"` (the photo itself), `"colour transfer"`, `"gatys"` (L-BFGS from the second), `"adam"` (Adam
            from there), `"johnson"` (one pass through a network) or `"hybrid"` (L-BFGS from what a network made).
        width: of the network, as `nstlib.load_network` takes it: 1, or 0.25 for a slim one; 1 where there is none.
        evals: gradient evaluations: at least 1 for an optimisation, 0 for the others.
        precision: of the pass of `"johnson"`, as `nstlib.load_engine` takes it: `"bfloat16"` or `"int8"` on an engine;
            else `"float32"`.

    Raises:
        ValueError: an unknown kind, a width or a precision that the kind does not have, or evaluations that are none.
    """

    kind: str
    width: float = 1.0
    evals: int = 0
    precision: str = _EXACT

    def __post_init__(self) -> None:
        if self.kind not in _NAMES:
            raise ValueError(f"kind: {self.kind!r} is not one of {', '.join(_NAMES)}")
        widths = tuple(_WIDTHS) if self.uses_network else (1.0,)
        if self.width not in widths:
            accepted = " or ".join(f"{width:g}" for width in widths)
            raise ValueError(
                f"width: {self.width!r} of the kind {self.kind!r}; accepted: {accepted}"
            )
        precisions = PRECISIONS if self.kind == "johnson" else (_EXACT,)
        if self.precision not in precisions:
            raise ValueError(
                f"precision: {self.precision!r} of the kind {self.kind!r}; accepted: {' or '.join(precisions)}"
            )
        check_count(self.evals, "evals", least=int(self.kind in _OPTIMISED))
        if self.evals and self.kind not in _OPTIMISED:
            raise ValueError(f"evals: {self.evals!r}, but the kind {self.kind!r} evaluates nothing")

    @property
    def is_baseline(self) -> bool:
        """Whether it takes neither network nor optimisation."""
        return self.kind in _BASELINES

    @property
    def uses_network(self) -> bool:
        """Whether a picture takes a pass through a network."""
        return self.kind in _WITH_NETWORK

    @property
    def name(self) -> str:
        """The label without the evaluations, which methods of different budgets share: "Gatys", "Johnson slim"."""
        rounded = "" if self.precision == _EXACT else f" {self.precision}"
        return f"{_NAMES[self.kind]}{_WIDTHS[self.width]}{rounded}"

    @property
    def label(self) -> str:
        """What tables and figures show: "identity", "Gatys 100", "Johnson slim", "Johnson int8"."""
        return f"{self.name} {self.evals}" if self.evals else self.name

    @classmethod
    def parse(cls, label: str) -> "Method":
        """The method of a label, as it comes back from a table: `Method.parse(method.label) == method`.

        Raises:
            ValueError: a text that is the label of no method.
        """
        found = _LABEL.fullmatch(label)
        if not found:
            raise ValueError(f"label: {label!r} is that of no method, such as 'Gatys 100'")
        name, suffix, precision, evals = found.groups()
        return cls(_KINDS[name], _SUFFIXES[suffix], int(evals or 0), precision or _EXACT)


def run_name(kind: str) -> str:
    """What the curve of an optimisation is called, whatever its budget: `run_name("gatys")` is "Gatys"."""
    return _NAMES[kind]


IDENTITY = Method("identity")
COLOUR_TRANSFER = Method("colour transfer")
WIDE = Method("johnson")
SLIM = Method("johnson", SLIM_WIDTH)
