import pytest
import runs

from nstlib.johnson import architecture


@pytest.fixture(scope="module")
def few_layers():
    """Networks without residual blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architecture, "_RESIDUAL_BLOCKS", runs.RESIDUAL_BLOCKS)
        yield


@pytest.fixture(scope="module")
def start(few_layers):
    """What the runs start from: random weights."""
    return runs.start_network()


@pytest.fixture
def eagerly():
    """See `runs.eager_functions`."""
    with runs.eager_functions():
        yield
