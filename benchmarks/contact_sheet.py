"""Every shipped network on photos that none of them saw, as one picture: results/images/networks.jpg.

.venv/bin/python benchmarks/contact_sheet.py
"""

import numpy as np

import nstlib as nst

PHOTOS = ("astronaut", "chelsea", "rocket", "motorcycle_left")
SIZE = 384  # longer side, in px
CELL = (200, 280)


def main() -> None:
    photos = {name: nst.photo(name, size=SIZE) for name in PHOTOS}
    rows = {"": {"style": None} | {name: nst.fit(photo, *CELL) for name, photo in photos.items()}}
    for name in nst.network_names():
        network = nst.load_network(name)
        cells = {"style": nst.fit(nst.style(name), *CELL)}
        for photo_name, photo in photos.items():
            cells[photo_name] = nst.fit(network.stylize(photo), *CELL)
        rows[name] = cells
    results = nst.results_folder("full", machine=nst.describe_machine())
    caption = f"The photos, and what each shipped network makes of them at {SIZE} px."
    figure = nst.plots.image_grid(rows)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3] / np.float32(255)
    print(results.image("networks", pixels, suffix=".jpg", caption=caption))


if __name__ == "__main__":
    main()
