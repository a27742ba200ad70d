"""That bfloat16 is used where it is asked for, is close, and is refused where it would be slow."""

import keras
import numpy as np
import pytest

import nstlib as nst
from nstlib.johnson.network import new_network
from nstlib.machine import precision

IMAGE = np.random.default_rng(0).random((48, 64, 3), dtype=np.float32)


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Makes this processor one with the flags given, or one of a system that does not say."""

    def pretend(flags):
        path = tmp_path / "cpuinfo"
        if flags is not None:
            path.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse2\n")
        monkeypatch.setattr(precision, "CPUINFO", path)

    return pretend


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx512f avx512_bf16", True),
        ("amx_bf16 amx_tile", True),
        ("avx2 avx512f avx512_vnni", False),
        ("avx512_bf16_of_another_kind", False),
        (None, False),
    ],
)
def test_a_processor_is_known_by_its_flags(processor, flags, expected):
    processor(flags)
    assert nst.machine.has_bfloat16() is expected


def test_a_processor_without_it_is_refused(processor):
    processor("avx2")
    with pytest.raises(nst.errors.PrecisionError, match="avx512_bf16"):
        nst.use_bfloat16()
    nst.use_bfloat16(False)  # where it is already


def test_the_precision_in_use(processor):
    processor("avx512_bf16")
    assert precision.precision_in_use() == "float32"
    nst.use_bfloat16()
    try:
        assert precision.precision_in_use() == "bfloat16"
    finally:
        nst.use_bfloat16(False)
    assert precision.precision_in_use() == "float32"


@pytest.mark.skipif(not precision.has_bfloat16(), reason="needs a processor with bfloat16")
def test_what_was_compiled_before_follows_too():
    network = new_network(width=0.1)
    exact = network.stylize(IMAGE)
    nst.use_bfloat16()
    try:
        assert not np.array_equal(network.stylize(IMAGE), exact)
    finally:
        nst.use_bfloat16(False)
    np.testing.assert_array_equal(network.stylize(IMAGE), exact)


def stylized(on: bool) -> tuple[np.ndarray, np.ndarray]:
    """What a network and a short optimisation make of the image, each compiled anew."""
    nst.use_bfloat16(on)
    try:
        keras.utils.set_random_seed(0)
        network = new_network(width=0.1)
        objective = nst.PerceptualLoss(
            content_layers=["relu2_2"], style_layers=["relu1_2"], style_weight=1 + on / 1000
        )
        style = np.ascontiguousarray(IMAGE[::-1, ::-1])
        slow = nst.gatys(IMAGE, style, objective=objective, steps=3, progress=False)
        return network.stylize(IMAGE), slow.image
    finally:
        nst.use_bfloat16(False)


@pytest.mark.slow
@pytest.mark.skipif(not precision.has_bfloat16(), reason="needs a processor with bfloat16")
def test_pictures_in_bfloat16_are_others_but_close():
    for exact, rounded in zip(stylized(False), stylized(True), strict=True):
        assert 0 < np.abs(exact - rounded).mean() < 0.01
