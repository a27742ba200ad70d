"""The one objective that both methods minimise: L_total = α · L_content + β · L_style + total variation."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
from keras import ops

from nstlib.arguments import is_finite
from nstlib.objective.features import POOLINGS, feature_extractor, layer_names
from nstlib.objective.losses import (
    Tensor,
    content_loss,
    feature_moments,
    gram_matrix,
    moment_loss,
    style_loss,
    total_variation_loss,
)

STYLE_STATISTICS = ("gram", "moments")


class LossTerms(NamedTuple):
    """The objective and its unweighted terms, each averaged over the batch: scalars of the backend."""

    total: Tensor
    content: Tensor
    style: Tensor
    tv: Tensor


@dataclass(frozen=True, kw_only=True)
class PerceptualLoss:
    """The settings of the objective, and the objective itself.

    Each layer's content term is divided by the variance of the content image's features and each layer's style term by
    the mean square of the style's statistic, then averaged over layers (see `nstlib.objective.losses`). The terms are
    dimensionless, so that one pair α, β serves every size and extractor: 0 is a perfect match; a content term of about
    1 is as far as a flat image, a style term of 1 as far as no features at all (brighter or busier images lie above).

    Attributes:
        content_layers: layers of the content term: names, or a mapping from name to its weight in the average.
        style_layers: the same for the style term.
        content_weight: α, at least 0.
        style_weight: β, at least 0.
        total_variation_weight: weight of `total_variation_loss`, at least 0.
        style_statistic: `"gram"`, the Gram matrix of Gatys et al. 2016, or `"moments"`, mean and centred covariance.
        extractor, pooling, weights: see `nstlib.objective.features.feature_extractor`.
        normalize: False uses Gatys' own unnormalised formulas, summed over layers by their weights (Gram only).

    Raises:
        ValueError: a negative, infinite or missing weight, no layer at all, an unknown name.
    """

    content_layers: Sequence[str] | Mapping[str, float] = ("relu3_3",)
    style_layers: Sequence[str] | Mapping[str, float] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    content_weight: float = 1.0
    style_weight: float = 30.0
    total_variation_weight: float = 1.0
    style_statistic: str = "gram"
    extractor: str = "vgg16"
    pooling: str = "avg"
    weights: str | Path | None = None
    normalize: bool = True

    def __post_init__(self):
        for argument in ("content_layers", "style_layers"):
            layers = _layer_weights(argument, getattr(self, argument), self.extractor)
            object.__setattr__(self, argument, layers)
        for argument in ("content_weight", "style_weight", "total_variation_weight"):
            object.__setattr__(self, argument, _weight(argument, getattr(self, argument)))
        if self.weights is not None:
            object.__setattr__(self, "weights", str(self.weights))
        for argument, accepted in (("style_statistic", STYLE_STATISTICS), ("pooling", POOLINGS)):
            value = getattr(self, argument)
            if value not in accepted:
                raise ValueError(f"{argument}: {value!r} is not one of {', '.join(accepted)}")
        if self.style_statistic == "moments" and not self.normalize:
            raise ValueError("normalize=False is Gatys' formula, which knows Gram matrices only")

    def settings(self) -> dict[str, Any]:
        """The attributes as JSON-ready values; `PerceptualLoss(**settings)` is this objective again."""
        values = asdict(self)
        return values | {k: dict(values[k]) for k in ("content_layers", "style_layers")}

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the settings' sha256, by which results name what was minimised."""
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def extract(self) -> keras.Model:
        """The frozen network behind the objective: images to a dict of the features of all its layers."""
        names = [name for name, _ in self.content_layers + self.style_layers]
        return self._extractor(names)

    def content_targets(self, images: Tensor) -> dict[str, Tensor]:
        """What the content term compares with: features of the content images `(B, H, W, 3)`, by layer name."""
        names = [name for name, _ in self.content_layers]
        return self._extractor(names)(images)

    def style_targets(self, images: Tensor) -> dict[str, Any]:
        """What the style term compares with: statistics of the style image `(1, H, W, 3)`, by layer name."""
        features = self.extract(images)
        statistic = gram_matrix if self.style_statistic == "gram" else feature_moments
        return {name: statistic(features[name]) for name, _ in self.style_layers}

    def __call__(
        self,
        images: Tensor,
        content_targets: Mapping[str, Tensor],
        style_targets: Mapping[str, Any],
        *,
        content_variances: Mapping[str, float] | None = None,
    ) -> LossTerms:
        """The objective at `images`.

        Args:
            images: stylized images, `(B, H, W, 3)` in [0, 1].
            content_targets: from `content_targets`, of images of the same size.
            style_targets: from `style_targets`.
            content_variances: by layer name, what to divide the content terms by in place of each content image's
                own variance. For training, where a crop of plain sky would otherwise outweigh a hundred others.
        """
        variances = content_variances or {}
        features = self.extract(images)
        content = self._average(
            (
                content_loss(
                    features[name],
                    content_targets[name],
                    normalize=self.normalize,
                    variance=variances.get(name),
                ),
                weight,
            )
            for name, weight in self.content_layers
        )
        style = self._average(
            (self._style_term(features[name], style_targets[name]), weight)
            for name, weight in self.style_layers
        )
        tv = ops.mean(total_variation_loss(images))
        total = (
            self.content_weight * content
            + self.style_weight * style
            + self.total_variation_weight * tv
        )
        return LossTerms(total, content, style, tv)

    def _extractor(self, names: Sequence[str]) -> keras.Model:
        return feature_extractor(
            names, extractor=self.extractor, pooling=self.pooling, weights=self.weights
        )

    def _style_term(self, features, target):
        if self.style_statistic == "gram":
            return style_loss(gram_matrix(features), target, normalize=self.normalize)
        return moment_loss(features, target)

    def _average(self, terms):
        losses, weights = zip(*terms, strict=True)
        total = sum(ops.mean(loss) * weight for loss, weight in zip(losses, weights, strict=True))
        return total / sum(weights) if self.normalize else total


def _layer_weights(argument: str, layers, extractor: str) -> tuple[tuple[str, float], ...]:
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise ValueError(f"{argument}: give a list of names or a mapping, not {layers!r}")
    if isinstance(layers, Mapping):
        pairs = layers.items()
    else:
        pairs = [layer if isinstance(layer, tuple) else (layer, 1.0) for layer in layers]
    known = layer_names(extractor)
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"{argument}: {pair!r} is not a name and its weight")
        if pair[0] not in known:
            raise ValueError(
                f"{argument}: {pair[0]!r} is no layer of {extractor!r}; accepted: {', '.join(known)}"
            )
    pairs = tuple((name, _weight(f"{argument}[{name!r}]", weight)) for name, weight in pairs)
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"{argument}: {[name for name, _ in pairs]} names a layer twice")
    if not pairs or sum(weight for _, weight in pairs) == 0:
        raise ValueError(f"{argument} needs at least one layer with a weight above 0")
    return pairs


def _weight(argument: str, value) -> float:
    if not is_finite(value):
        raise ValueError(f"{argument}: {value!r} is not a finite number")
    if value < 0:
        raise ValueError(f"{argument}: {value!r} is negative; it must be 0 or more")
    return float(value)
