"""Programs of the project that are no part of the library, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load(path: Path) -> ModuleType:
    """The module of a script, or the package of a folder."""
    file = path / "__init__.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location(path.stem, file)
    module = importlib.util.module_from_spec(spec)
    if path.is_dir():
        sys.modules[spec.name] = module  # where its own modules look for it
    spec.loader.exec_module(module)
    return module
