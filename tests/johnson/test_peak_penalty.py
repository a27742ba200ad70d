import numpy as np
import pytest
from runs import run_eagerly, start_network

from nstlib.johnson import training
from nstlib.johnson.network import build_transformer
from nstlib.johnson.peak_penalty import mean_peak_energy, observed, peak_energy
from nstlib.johnson.schedule import Schedule


def spotted(height: float) -> np.ndarray:
    """Noise with one spot in every channel."""
    features = np.random.default_rng(0).standard_normal((1, 20, 20, 3)).astype(np.float32)
    features[0, 7, 9] += height
    return features


def test_noise_has_no_peaks():
    assert float(peak_energy(spotted(0.0))[0]) == 0


def test_a_spot_of_infinite_height_holds_all_the_energy():
    # z of one place out of N, all others equal, is the root of N - 1.
    assert float(peak_energy(spotted(1e5))[0]) == pytest.approx((399 - 10) / 400, rel=1e-3)


def test_the_energy_is_that_of_the_normalised_features():
    features = spotted(8.0)
    z = (features - features.mean((1, 2), keepdims=True)) / features.std((1, 2), keepdims=True)
    expected = np.maximum((z**2).mean(-1) - 3.0, 0).mean()
    assert expected > 0
    assert float(peak_energy(features, limit=3.0)[0]) == pytest.approx(expected, rel=1e-3)


def test_scale_and_offset_of_the_features_do_not_matter():
    features = spotted(20.0)
    once, again = (float(peak_energy(each)[0]) for each in (features, 7 * features - 3))
    assert once > 0
    assert again == pytest.approx(once, rel=1e-4)


def test_the_mean_is_over_maps():
    flat, peaked = spotted(0.0), spotted(1e5)
    whole = float(mean_peak_energy([peaked]))
    assert float(mean_peak_energy([flat, peaked])) == pytest.approx(whole / 2)


@pytest.mark.usefixtures("few_layers")
def test_what_enters_each_normalisation_is_observed():
    transformer = build_transformer(width=0.1)
    images, entering = observed(transformer)(np.zeros((1, 16, 16, 3), np.float32))
    names = [layer.name for layer in transformer.layers if "normalization" in layer.name]
    assert len(entering) == len(names) > 0
    assert images.shape == (1, 16, 16, 3)


def test_batch_normalisation_has_no_peaks_to_punish():
    transformer = build_transformer(width=0.1, normalization="batch")
    assert mean_peak_energy(observed(transformer)(np.zeros((1, 16, 16, 3), np.float32))[1]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("few_layers")
def test_training_takes_peaks_down(monkeypatch):
    photo = np.full((32, 32, 3), 0.2, np.float32)
    photo[14:17, 14:17] = 1  # a spot in the picture is one inside
    schedule = Schedule(steps=4, size=32, small_share=0, learning_rate=3e-2)

    def peaks(weight):
        monkeypatch.setitem(training.PENALTIES, "peaks", weight)
        network = run_eagerly(start_network(), photos=[photo], schedule=schedule).network
        return float(mean_peak_energy(observed(network.model)(photo[None])[1]))

    assert peaks(1000.0) < 0.9 * peaks(0.0)
