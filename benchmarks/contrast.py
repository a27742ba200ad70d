"""What networks make of frames that show nothing, and of photos in the dark.

    .venv/bin/python benchmarks/contrast.py

Pictures of 512 x 384 px in 8 bits: of one colour, noise of one, two and four grey levels over black and over grey,
and a photo as it is, at a twentieth of its light, and there with noise. results/tables/benchmark_contrast.csv has
contrasts, the largest standard deviation of a channel in grey levels of 255: of the picture, of a pass of the network
alone, of the same with a floor under the variance in its first layer, and of what `stylize` gives, which leaves alone
what has next to none.
"""

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.johnson import SLIM_WIDTH, layers
from nstlib.johnson.network import new_network
from nstlib.johnson.passes import contrast
from nstlib.objective.losses import pixel_mean

STYLES = ("starry_night", "wave", "udnie")
WIDTHS = {"wide": 1.0, "slim": SLIM_WIDTH}
HEIGHT, WIDTH = 384, 512
FLOOR = 1e-2  # in place of 1e-5, beside the variance


def pictures() -> dict[str, np.ndarray]:
    """By name, each in whole grey levels."""
    rng = np.random.default_rng(0)

    def noise(levels: int) -> np.ndarray:
        return rng.integers(0, levels + 1, (HEIGHT, WIDTH, 3))

    photo = 255 * nst.images.centre_crop(nst.photo("astronaut"), HEIGHT, WIDTH)
    grey = np.full((HEIGHT, WIDTH, 3), 128)
    levels = {"black": 0 * grey}
    levels |= {f"black, noise of {n}": noise(n) for n in (1, 2, 4)}
    levels |= {"grey": grey, "grey, noise of 1": grey + noise(1)}
    levels |= {"photo x 0.05": 0.05 * photo, "photo x 0.05, noise of 2": 0.05 * photo + noise(2)}
    levels["photo"] = photo
    return {name: np.rint(each).astype(np.float32) / 255 for name, each in levels.items()}


class Floored(layers.InstanceNormalization):
    """Of which the deviation cannot fall far below a tenth."""

    def call(self, x):
        flat = pixel_mean(x)
        variance = pixel_mean((x - flat) ** 2)
        return (x - flat) * self.scale / (variance + FLOOR) ** 0.5 + self.offset


def with_floor(network: nst.Network) -> nst.Network:
    """The same network with a floor in its first normalisation."""
    copy = new_network(width=network.architecture.width)
    copy.model.set_weights(network.model.get_weights())
    kind = layers.InstanceNormalization
    first = next(layer for layer in copy.model.layers if isinstance(layer, kind))
    first.__class__ = Floored
    return copy


def main() -> None:
    rows = []
    for style in STYLES:
        for kind, width in WIDTHS.items():
            network = nst.load_network(style, width=width)
            floored = with_floor(network)
            for name, picture in pictures().items():
                images = {"picture_contrast": picture}
                for column, model in (("pass", network.model), ("pass_with_floor", floored.model)):
                    images[column] = model.predict_on_batch(picture[None])[0].clip(0, 1)
                images["stylize"] = network.stylize(picture)
                row = {"style": style, "network": kind, "picture": name}
                rows.append(row | {column: 255 * contrast(each) for column, each in images.items()})
    table = pd.DataFrame(rows)
    caption = (
        "Contrast in grey levels of 255 (largest standard deviation of a channel) of pictures, of a network's pass, of "
        f"one with {FLOOR:g} beside the variance of the first layer, and of `stylize`."
    )
    full_results().table("benchmark_contrast", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
