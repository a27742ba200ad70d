"""Neural style transfer, measured: optimise the pixels (Gatys) or train a network (Johnson).

    import nstlib as nst

    photo = nst.photo("astronaut", size=384)            # or nst.load_image("mine.jpg", size=384)
    style = nst.style("brush_flow", size=384)           # or nst.load_image("painting.jpg", size=384)
    slow = nst.gatys(photo, style, steps=100)           # slow.image, slow.history (a DataFrame)
    fast = nst.load_network("brush_flow").stylize(photo)
    nst.plots.gallery(photo, style, {"Gatys": slow.image, "Johnson": fast})

Every name is loaded on first use, so that `import nstlib` is quick and needs no TensorFlow. The names stand in
`__init__.pyi`; what only the study needs is under `nst.study`.
"""

import lazy_loader

from nstlib.johnson.registration import register_with_keras

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register_with_keras()
