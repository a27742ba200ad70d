import gc
import os

# Before anything imports TensorFlow: its start-up messages would bury those of a failing test.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from hypothesis import settings

# The same examples each time: whether a change passes is no matter of luck. --hypothesis-profile=default looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_collection_finish():
    """What is loaded by now stays: no need to look through it for garbage again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def empty_data_folder(tmp_path_factory, monkeypatch):
    """No test sees, or writes to, the user's own cache of paintings."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("NSTLIB_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def noise():
    """Independent uniform values: an image without any structure."""
    return np.random.default_rng(0).random((20, 18, 3), dtype=np.float32)


@pytest.fixture(scope="session")
def photo():
    """A real photograph, small, taller than wide."""
    from nstlib.data.pictures import photo

    return _frozen(photo("astronaut", size=64)[:, :56])


@pytest.fixture(scope="session")
def style():
    """A style image of the size of `photo`."""
    from nstlib.data.pictures import style
    from nstlib.images import centre_crop

    return _frozen(centre_crop(style("brush_flow", size=96), 64, 56))


@pytest.fixture(scope="session")
def tiny_network():
    """A network of two to six channels, untrained, whose card has an objective of one layer."""
    import tiny

    return tiny.network()


@pytest.fixture(scope="session")
def tiny_slim():
    """Another one, that paints otherwise."""
    import tiny

    return tiny.network(seed=1)


def _frozen(image):
    image = np.ascontiguousarray(image)
    image.flags.writeable = False  # shared by the whole session
    return image
