"""How long a training takes, and on what."""

from dataclasses import dataclass, fields
from numbers import Real

from nstlib.arguments import check_count, check_seed
from nstlib.images import MIN_SIDE


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a training takes, and on what: every number of it that is not the objective's.

    Attributes:
        steps: batches in all.
        size: side of the square crops in px, at least 16.
        small_share: share of the steps, from 0 to 1, that come first with crops of half the size: each takes a quarter
            of the time, and most of a palette is learned by then. At sizes below 32 there are none.
        batch_size: crops a batch.
        learning_rate: of Adam, at its peak.
        seed: of the crops. Equal arguments on one machine give equal networks.

    Raises:
        ValueError: naming the attribute: a count or a seed that is none, a rate not between 0 and 1, or a share not
            from 0 to 1.
    """

    steps: int = 1200
    size: int = 256
    small_share: float = 0.5
    batch_size: int = 1
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        for name, least in (("steps", 1), ("size", MIN_SIDE), ("batch_size", 1)):
            check_count(getattr(self, name), name, least=least)
        check_seed(self.seed)
        rate, share = self.learning_rate, self.small_share
        if not _is_number(rate) or not 0 < rate < 1:
            raise ValueError(f"learning_rate: {rate!r} is not between 0 and 1")
        if not _is_number(share) or not 0 <= share <= 1:
            raise ValueError(f"small_share: {share!r} is not from 0 to 1")
        # Numbers of NumPy would not go onto a card, which is JSON.
        for field in fields(self):
            object.__setattr__(self, field.name, field.type(getattr(self, field.name)))

    def size_of(self, index: int) -> int:
        """Side of the crops of a step in px; the first step is 0."""
        small = self.size // 2
        return small if index < self.small_share * self.steps and small >= MIN_SIDE else self.size


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
