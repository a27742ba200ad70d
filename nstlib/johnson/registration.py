"""Keras learns of this library's layers as soon as both are imported, in whichever order.

So `keras.models.load_model` reads what `network.model.save` wrote, after `import nstlib` alone, which by itself loads
neither Keras nor the layers.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

_LAYERS = "nstlib.johnson.layers"


def register_with_keras() -> None:
    """Registers the layers at once if Keras is loaded, else when it will be."""
    if "keras" in sys.modules:
        import_module(_LAYERS)
    elif not any(isinstance(finder, _Keras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Keras())


class _Keras:
    """Finds Keras where the other finders do, and has the layers imported behind it."""

    asking = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras" or self.asking:
            return None
        self.asking = True  # another such finder, of nstlib imported anew, asks this one in turn
        try:
            others = (finder for finder in sys.meta_path if finder is not self)
            found = (finder.find_spec(name, path, target) for finder in others)
            spec = next((each for each in found if each is not None), None)
        finally:
            self.asking = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                import_module(_LAYERS)

            spec.loader.exec_module = execute_and_register
        return spec
