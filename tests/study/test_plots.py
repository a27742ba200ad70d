import io
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from nstlib import plots
from nstlib.errors import ImageError
from nstlib.study.plots.charts import _duration

rng = np.random.default_rng(5)


def image(height=24, width=32):
    return rng.random((height, width, 3)).astype("float32")


def history(count=40, **columns):
    steps = np.arange(1, count + 1)
    frame = pd.DataFrame({"evals": steps, "step": steps, "seconds": steps / 10})
    for column in ("total", "content", "style", "tv"):
        frame[column] = columns.get(column, rng.lognormal(size=count))
    return frame


def timings():
    return pd.DataFrame(
        {
            "method": ["Johnson", "Gatys", "training"],
            "seconds": [0.08, 32.0, 5400.0],
            "low": [0.07, 30.0, 5000.0],
            "high": [0.1, 40.0, 6000.0],
        }
    )


def scores():
    return pd.DataFrame(
        {
            "style": ["wave", "wave", "night", "night"],
            "method": ["Gatys", "Johnson", "Gatys", "Johnson"],
            "ssim": [0.4, 0.5, 0.3, 0.7],
            "distance": [0.2, 0.1, 0.4, 0.3],
            "low": [0.3, 0.4, 0.2, 0.6],
            "high": [0.6, 0.7, 0.5, 0.9],
        }
    )


def speeds():
    return pd.DataFrame(
        {
            "what": ["pass"] * 3 + ["evaluation"] * 3,
            "size": [128, 256, 512] * 2,
            "seconds": [0.03, 0.1, 0.4, 0.1, 0.4, 1.6],
            "low": [0.02, 0.1, 0.4, 0.1, 0.3, 1.5],
            "high": [0.04, 0.1, 0.5, 0.2, 0.5, 1.8],
        }
    )


def costs():
    return pd.DataFrame(
        {
            "method": ["Johnson", "Gatys", "Gatys"],
            "budget": ["", "10", "100"],
            "seconds": [0.1, 3.0, 30.0],
            "total": [2.0, 3.0, 1.0],
            "low": [1.8, 2.5, 0.8],
            "high": [2.2, 3.1, 1.3],
            "front": [True, False, True],
        }
    )


PARETO = {"x": "seconds", "y": "total", "hue": "method", "label": "budget", "front": "front"}
PARETO |= {"low": "low", "high": "high"}

# One call of every function, for what holds for all of them.
FRAMES = {
    "history": history(),
    "timings": timings(),
    "scores": scores(),
    "speeds": speeds(),
    "costs": costs(),
    "heat": pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], index=[1, 10], columns=["a", "b"]),
}
CALLS = {
    "gallery": lambda: plots.gallery(
        image(), image(), {"Gatys": image(), "J": image()}, captions={"J": "1 s"}
    ),
    "image_grid": lambda: plots.image_grid(
        {"a start from noise": {"1": image()}, "photo": {"1": image()}}, title="Starts"
    ),
    "loss_curves": lambda: plots.loss_curves({"Adam": FRAMES["history"]}),
    "training_curve": lambda: plots.training_curve(FRAMES["history"]),
    "timing_bars": lambda: plots.timing_bars(FRAMES["timings"]),
    "quality_scatter": lambda: plots.quality_scatter(
        FRAMES["scores"], x="ssim", y="distance", hue="method", label="style"
    ),
    "growth_lines": lambda: plots.growth_lines(FRAMES["speeds"]),
    "pareto": lambda: plots.pareto(FRAMES["costs"], **PARETO),
    "heatmap": lambda: plots.heatmap(FRAMES["heat"], title="Loss"),
    "bars": lambda: plots.bars(
        FRAMES["scores"], x="style", y="ssim", hue="method", error=("low", "high")
    ),
}


def surroundings():
    """What no figure may change: its tables, matplotlib's settings, the figures that pyplot holds."""
    frames = {key: frame.copy(deep=True) for key, frame in FRAMES.items()}
    return frames, dict(matplotlib.rcParams), plt.get_fignums()


@pytest.fixture(scope="module", params=CALLS)
def drawn(request):
    """A figure of each function, made once: its name, the figure, the surroundings before it and after."""
    before = surroundings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fig = CALLS[request.param]()
        fig.draw_without_rendering()
    return request.param, fig, before, surroundings()


def test_every_plot_is_a_figure_without_side_effects(drawn):
    _, fig, (frames, *rest), (frames_after, *rest_after) = drawn
    assert isinstance(fig, Figure)
    assert fig.axes
    assert rest_after == rest
    for key, frame in frames.items():
        pd.testing.assert_frame_equal(frames_after[key], frame)


def test_notebooks_show_every_plot_once(drawn):
    name, fig, *_ = drawn
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    shown, _ = formatter.format(fig)
    picture = "image/jpeg" if name in {"gallery", "image_grid"} else "image/png"
    start = b"\xff\xd8\xff" if picture == "image/jpeg" else b"\x89PNG"
    assert set(shown) == {"text/plain", picture}
    assert shown[picture].startswith(start)


def pixels(file):
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), int)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"gallery", "image_grid"}))
def test_a_chart_in_a_notebook_is_small_and_looks_as_drawn(name):
    fig = CALLS[name]()
    file = io.BytesIO()
    fig.savefig(file, format="png", bbox_inches="tight")
    shown, _ = fig._repr_png_()
    assert len(shown) < len(file.getvalue()) / 2
    difference = np.abs(pixels(io.BytesIO(shown)) - pixels(file))
    # Shades at the rim of letters may be others; lines, markers and areas are not.
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.999) < 24


def test_pictures_in_a_notebook_are_no_wider_than_its_column():
    fig = plots.image_grid({"row": {str(number): image() for number in range(8)}})
    file = io.BytesIO()
    fig.savefig(file, format="png", bbox_inches="tight")
    with Image.open(file) as drawn, Image.open(io.BytesIO(fig._repr_jpeg_()[0])) as shown:
        assert drawn.width > shown.width == 1000
        assert shown.height == pytest.approx(1000 * drawn.height / drawn.width, abs=1)


def shown_texts(fig):
    """Every text that is drawn: tick labels outside the limits of their axis are not."""
    fig.draw_without_rendering()
    ticks = []
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                inside = low <= tick.get_loc() <= high
                ticks += [(tick.label1, inside), (tick.label2, False)]
    hidden = {id(label) for label, inside in ticks if not inside}
    return [
        text
        for text in fig.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]


def test_texts_are_large_enough_inside_the_figure_and_apart(drawn):
    _, fig, *_ = drawn
    texts = shown_texts(fig)
    boxes = [text.get_window_extent() for text in texts]
    assert boxes
    for i, box in enumerate(boxes):
        assert texts[i].get_fontsize() >= 9
        assert box.x0 >= 0 <= box.y0
        assert box.x1 <= fig.bbox.x1
        assert box.y1 <= fig.bbox.y1
        for other, text in zip(boxes[i + 1 :], texts[i + 1 :], strict=True):
            assert not box.overlaps(other), (texts[i].get_text(), text.get_text())


# --- images ---------------------------------------------------------------------------------


def sizes(fig):
    """Width and height of all axes, in inches."""
    width, height = fig.get_size_inches()
    boxes = [ax.get_position() for ax in fig.axes]
    return np.array([(box.width * width, box.height * height) for box in boxes])


def test_gallery_shows_photo_style_and_results_in_order():
    photo, style, one, two = image(), image(30, 28), image(), image()
    fig = plots.gallery(photo, style, {"Gatys": one, "Johnson": two}, captions={"Johnson": "1 s"})
    assert [ax.get_title() for ax in fig.axes] == [
        "Content image",
        "Style image",
        "Gatys",
        "Johnson",
    ]
    assert [ax.get_xlabel() for ax in fig.axes] == ["", "", "", "1 s"]
    for ax, expected in zip(fig.axes, (photo, style, one, two), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), expected)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_gallery_keeps_heights_equal_and_proportions_true(count):
    shapes = [(24, 32), (40, 20), *[(20 + i, 30) for i in range(count)]]
    pictures = [image(*shape) for shape in shapes]
    fig = plots.gallery(*pictures[:2], {f"{i}": each for i, each in enumerate(pictures[2:])})
    fig.draw_without_rendering()
    measured = sizes(fig)
    np.testing.assert_allclose(measured[:, 1], measured[0, 1], rtol=1e-6)
    np.testing.assert_allclose(
        measured[:, 0] / measured[:, 1], [w / h for h, w in shapes], rtol=1e-6
    )


def test_gallery_breaks_into_rows_before_it_grows_too_wide():
    fig = plots.gallery(image(), image(), {f"{i}": image() for i in range(10)})
    assert fig.get_figwidth() < 15
    assert len({round(ax.get_position().y0, 6) for ax in fig.axes}) == 3


def test_gallery_wraps_long_titles_within_their_image():
    fig = plots.gallery(
        image(), image(), {"a title that is much too long for one image of this size": image()}
    )
    ax = fig.axes[2]
    assert "\n" in ax.get_title()
    assert ax.title.get_window_extent().width <= ax.get_window_extent().width
    assert ax.title.get_window_extent().y1 <= fig.bbox.y1


def test_image_grid_of_mappings_is_labelled():
    cells = {"noise": {"1": image(), "2": image()}, "photo": {"1": image(), "2": None}}
    fig = plots.image_grid(cells, title="Starts")
    assert fig.get_suptitle() == "Starts"
    assert [ax.get_title() for ax in fig.axes] == ["1", "2", "", ""]
    assert [ax.get_ylabel() for ax in fig.axes] == ["noise", "", "photo", ""]
    assert [len(ax.images) for ax in fig.axes] == [1, 1, 1, 0]
    np.testing.assert_array_equal(fig.axes[2].images[0].get_array(), cells["photo"]["1"])


def test_labels_of_rows_break_between_words_and_stay_inside():
    fig = plots.image_grid({"hubble_deep_field_and_more, udnie": {"1": image()}})
    assert fig.axes[0].get_ylabel() == "hubble_deep_field_and_more,\nudnie"
    fig.canvas.draw()
    assert fig.axes[0].yaxis.label.get_window_extent().x0 >= 0


def test_image_grid_of_lists_has_no_labels():
    fig = plots.image_grid([[image(), image(20, 40)], [image(), image()], [image(), image()]])
    assert len(fig.axes) == 6
    assert not any(ax.get_title() or ax.get_ylabel() for ax in fig.axes)
    heights = sizes(fig)[:, 1]
    assert heights.max() <= heights[0] + 1e-6


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 4)), np.zeros((4, 4, 4)), np.zeros((0, 4, 3)), np.full((4, 4, 3), 255)],
)
def test_malformed_images_are_named(bad):
    good = image()
    with pytest.raises(ImageError, match=r"^photo: .*accepted"):
        plots.gallery(bad, good, {"a": good})
    with pytest.raises(ImageError, match=r"^style: .*accepted"):
        plots.gallery(good, bad, {"a": good})
    with pytest.raises(ImageError, match=r"^images\['a'\]: .*accepted"):
        plots.gallery(good, good, {"a": bad})
    with pytest.raises(ImageError, match=r"^images, row 0 column 1: .*accepted"):
        plots.image_grid([[good, bad]])


def test_other_image_arguments_are_checked():
    good = image()
    with pytest.raises(ValueError, match="images is empty"):
        plots.gallery(good, good, {})
    with pytest.raises(ValueError, match="captions name b, not in images; accepted: a"):
        plots.gallery(good, good, {"a": good}, captions={"b": "?"})
    for empty in ([], {}, [[]], [[None, None]], {"row": {}}):
        with pytest.raises(ValueError, match="images is empty"):
            plots.image_grid(empty)
    with pytest.raises(ValueError, match=r"images\[1\] has 1 columns; accepted: 2"):
        plots.image_grid([[good, good], [good]])
    with pytest.raises(ValueError, match=r"images\['y'\] has columns b; accepted: a"):
        plots.image_grid({"x": {"a": good}, "y": {"b": good}})


# --- curves ---------------------------------------------------------------------------------


def test_loss_curves_draw_the_data_as_given():
    histories = {"L-BFGS": history(), "Adam": history(25)}
    fig = plots.loss_curves(histories, x="seconds", columns=("total", "style"))
    assert [ax.get_title() for ax in fig.axes] == ["Total loss", "Style loss"]
    for ax, column in zip(fig.axes, ("total", "style"), strict=True):
        assert ax.get_yscale() == "log"
        assert ax.get_xlabel() == "seconds"
        assert [line.get_label() for line in ax.lines] == ["L-BFGS", "Adam"]
        for line, frame in zip(ax.lines, histories.values(), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), frame["seconds"])
            np.testing.assert_array_equal(line.get_ydata(), frame[column])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["L-BFGS", "Adam"]


def test_a_name_that_begins_with_an_underscore_is_in_the_legend_of_loss_curves():
    fig = plots.loss_curves({"_run": history()}, levels={"_photo": 2.0})
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["_run", "_photo"]


def test_loss_curves_levels_are_dashed_lines_in_their_panels():
    fig = plots.loss_curves(
        {"Adam": history()}, levels={"photo": 2.0, "network": {"content": 0.5, "style": 0.1}}
    )
    levels = [
        {line.get_label(): line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"}
        for ax in fig.axes
    ]
    assert levels == [{"photo": 2.0}, {"network": 0.5}, {"network": 0.1}]
    names = {text.get_text() for text in fig.legends[0].get_texts()}
    assert names == {"Adam", "photo", "network"}
    colours = {line.get_color() for ax in fig.axes for line in ax.lines}
    assert len(colours) == 3


@pytest.mark.filterwarnings("error")
def test_loss_curves_survive_losses_of_zero():
    start = history()
    start.loc[0, "content"] = 0.0
    none = history(content=0.0)
    some = plots.loss_curves({"from the photo": start, "without": none}, columns=("content",))
    assert some.axes[0].get_yscale() == "log"
    assert some.axes[0].get_ylim()[0] > 0
    all_zero = plots.loss_curves({"a": none}, columns=("content",))
    assert all_zero.axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.34), (0.2, 3), (2.2, 4.8), (1e-4, 10)])
def test_log_axes_have_plain_numbers_to_read(low, high):
    fig = plots.loss_curves({"a": history(total=np.linspace(low, high, 40))}, columns=("total",))
    ax = fig.axes[0]
    bottom, top = ax.get_ylim()
    shown = [tick for tick in ax.get_yticks() if bottom <= tick <= top]
    assert len(shown) >= 2
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert all(float(label) > 0 for label in labels if label)


def test_loss_curves_arguments_are_checked():
    good = history()
    with pytest.raises(ValueError, match="histories is empty"):
        plots.loss_curves({})
    with pytest.raises(ValueError, match="columns is empty"):
        plots.loss_curves({"a": good}, columns=())
    with pytest.raises(ValueError, match=r"histories\['a'\] has no column 'step_s'.*evals"):
        plots.loss_curves({"a": good}, x="step_s")
    with pytest.raises(ValueError, match=r"column 'total' .* numeric"):
        plots.loss_curves({"a": good.assign(total="x")})
    with pytest.raises(ValueError, match=r"histories\['a'\] is empty"):
        plots.loss_curves({"a": good.iloc[:0]})
    with pytest.raises(ValueError, match=r"levels\['n'\] names tv; accepted: total, content"):
        plots.loss_curves({"a": good}, levels={"n": {"tv": 1.0}})
    with pytest.raises(ValueError, match="histories and levels together: 11 groups"):
        plots.loss_curves({f"{i}": good for i in range(10)}, levels={"n": 1.0})


def test_training_curve_draws_raw_data_and_its_rolling_median():
    frame = history(60)
    fig = plots.training_curve(frame, smooth=5)
    columns = ("total", "content", "style", "tv")
    assert len(fig.axes) == 4
    for ax, column in zip(fig.axes, columns, strict=True):
        raw, bold = ax.lines
        np.testing.assert_array_equal(raw.get_ydata(), frame[column])
        values = frame[column].to_numpy()
        expected = [np.median(values[max(0, i - 2) : i + 3]) for i in range(60)]
        np.testing.assert_allclose(bold.get_ydata(), expected)
        assert raw.get_alpha() < 0.5 < bold.get_linewidth()
        assert bold.get_linewidth() > raw.get_linewidth()
    legend = [text.get_text() for text in fig.legends[0].get_texts()]
    assert legend == ["as recorded", "rolling median of 5 records"]


@pytest.mark.filterwarnings("error")
def test_training_curve_without_variation_loss_or_much_data():
    assert plots.training_curve(history(3, tv=0.0)).axes[3].get_yscale() == "linear"


def test_training_curve_arguments_are_checked():
    with pytest.raises(ValueError, match="history has no column 'tv'"):
        plots.training_curve(history().drop(columns="tv"))
    for smooth in (0, 2.5, True):
        with pytest.raises(ValueError, match="smooth"):
            plots.training_curve(history(), smooth=smooth)


# --- tables ---------------------------------------------------------------------------------


def test_timing_bars_read_from_top_to_bottom():
    table = timings()
    fig = plots.timing_bars(table)
    (ax,) = fig.axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "seconds (log scale)"
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table["method"])
    assert ax.yaxis_inverted()
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], table["seconds"])
    assert [text.get_text() for text in ax.texts] == ["80 ms", "32 s", "90 min"]
    left, right = ax.get_xlim()
    assert left < 0.07
    assert right > 6000
    for text in ax.texts:
        assert text.get_window_extent().x1 <= ax.get_window_extent().x1


def test_timing_bars_draw_the_interval_as_given():
    ax = plots.timing_bars(timings()).axes[0]
    (segments,) = (each.get_segments() for each in ax.collections)
    ends = np.array([segment[:, 0] for segment in segments])
    np.testing.assert_allclose(ends, timings()[["low", "high"]])
    assert not plots.timing_bars(timings(), error=None).axes[0].collections


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.5e-5, "25 µs"),
        (0.00234, "2.34 ms"),
        (0.5, "500 ms"),
        (1.0, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7200, "2 h"),
    ],
)
def test_durations_are_written_in_a_fitting_unit(seconds, text):
    assert _duration(seconds) == text


def test_timing_bars_arguments_are_checked():
    with pytest.raises(ValueError, match="table has no column 'low'; its columns: method, seconds"):
        plots.timing_bars(timings()[["method", "seconds"]])
    with pytest.raises(ValueError, match="has no column 'name'"):
        plots.timing_bars(timings(), x="name")
    with pytest.raises(ValueError, match="must be positive"):
        plots.timing_bars(timings().assign(low=0.0))
    with pytest.raises(ValueError, match=r"column 'seconds' must lie between .* low, high"):
        plots.timing_bars(timings().assign(high=1.0))
    with pytest.raises(ValueError, match="Gatys comes twice in method"):
        plots.timing_bars(timings().assign(method="Gatys"))
    with pytest.raises(ValueError, match="table is empty"):
        plots.timing_bars(timings().iloc[:0])


def test_scatter_draws_points_groups_and_labels():
    table = scores()
    fig = plots.quality_scatter(table, x="ssim", y="distance", hue="method", label="style")
    (ax,) = fig.axes
    np.testing.assert_allclose(ax.collections[0].get_offsets(), table[["ssim", "distance"]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("ssim", "distance")
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "method"
    assert [text.get_text() for text in legend.get_texts()] == ["Gatys", "Johnson"]
    assert sorted(text.get_text() for text in ax.texts) == sorted(table["style"])
    assert len(np.unique(ax.collections[0].get_facecolors(), axis=0)) == 2


def test_scatter_labels_of_close_points_do_not_overlap():
    table = pd.DataFrame(
        {
            "x": [0.0, 0.5, 0.5, 0.51, 1.0],
            "y": [0.0, 0.5, 0.52, 0.5, 1.0],
            "method": "Gatys",
            "name": [f"a long label {i}" for i in range(5)],
        }
    )
    ax = plots.quality_scatter(table, x="x", y="y", hue="method", label="name").axes[0]
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, box in enumerate(boxes):
        assert ax.get_window_extent().x0 <= box.x0
        assert box.x1 <= ax.get_window_extent().x1
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_scatter_arguments_are_checked():
    with pytest.raises(ValueError, match="has no column 'group'"):
        plots.quality_scatter(scores(), x="ssim", y="distance", hue="group")
    with pytest.raises(ValueError, match="has no column 'name'"):
        plots.quality_scatter(scores(), x="ssim", y="distance", hue="method", label="name")
    with pytest.raises(ValueError, match=r"column 'style' .* numeric"):
        plots.quality_scatter(scores(), x="style", y="distance", hue="method")
    many = pd.DataFrame({"a": range(11), "b": range(11), "c": range(11)})
    with pytest.raises(ValueError, match="c: 11 groups, but only 10 colours"):
        plots.quality_scatter(many, x="a", y="b", hue="c")


def test_growth_lines_draw_the_data_with_two_log_axes():
    (ax,) = plots.growth_lines(speeds()).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    for container, name in zip(ax.containers, ("pass", "evaluation"), strict=True):
        rows = speeds()[speeds()["what"] == name]
        np.testing.assert_array_equal(container.lines[0].get_xydata(), rows[["size", "seconds"]])
        (bars,) = container.lines[2]
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, rows[["low", "high"]])


def test_growth_lines_arguments_are_checked():
    with pytest.raises(ValueError, match="no column 'pixels'"):
        plots.growth_lines(speeds(), x="pixels")
    with pytest.raises(ValueError, match="must be positive"):
        plots.growth_lines(speeds().assign(low=0.0))
    with pytest.raises(ValueError, match="lie between its interval"):
        plots.growth_lines(speeds().assign(low=5.0))


def test_pareto_joins_the_front_and_says_group_and_budget_of_every_point():
    fig = plots.pareto(costs(), **PARETO)
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.texts] == ["10", "100"]
    (legend,) = fig.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["Johnson", "Gatys", "nothing beats it: filled"]
    (front,) = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    np.testing.assert_array_equal(front.get_xydata(), [[0.1, 2.0], [30.0, 1.0]])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_pareto_fills_what_nothing_beats_and_moves_groups_apart():
    (ax,) = plots.pareto(costs(), **PARETO).axes
    points = [container.lines[0] for container in ax.containers]
    places = {
        tuple(point): line.get_markerfacecolor() == "white"
        for line in points
        for point in line.get_xydata()
    }
    assert {y: hollow for (_, y), hollow in places.items()} == {2.0: False, 3.0: True, 1.0: False}
    moved = {y: x for x, y in places}
    for total, seconds, side in ((2.0, 0.1, -1), (3.0, 3.0, 1), (1.0, 30.0, 1)):
        assert moved[total] == pytest.approx(seconds, rel=0.05)
        assert np.sign(moved[total] - seconds) == side


def test_pareto_arguments_are_checked():
    with pytest.raises(ValueError, match="columns seconds, total, low must be positive"):
        plots.pareto(costs().assign(seconds=0.0), **PARETO)
    with pytest.raises(ValueError, match="lie between its interval"):
        plots.pareto(costs().assign(low=9.0), **PARETO)


def test_heatmap_shows_every_number_and_both_axes():
    table = pd.DataFrame(
        [[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]],
        index=pd.Index([0.1, 1], name="α"),
        columns=pd.Index(["a", "b", "c"], name="β"),
    )
    ax, colour_bar = plots.heatmap(table, title="Loss", fmt=".1f").axes
    assert ax.get_title() == "Loss"
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("α", "β")
    assert [text.get_text() for text in ax.texts] == ["1.0", "2.0", "3.0", "4.0", "6.0"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(
        np.ma.filled(ax.collections[0].get_array().reshape(2, 3), np.nan), table
    )
    assert colour_bar.get_ylim() == (1.0, 6.0)


def test_heatmap_arguments_are_checked():
    with pytest.raises(ValueError, match="table is empty"):
        plots.heatmap(pd.DataFrame(), title="Loss")
    with pytest.raises(ValueError, match="column 'b' of table must be numeric"):
        plots.heatmap(pd.DataFrame({"a": [1.0], "b": ["x"]}), title="Loss")


def test_bars_are_grouped_in_the_order_of_the_table():
    ax = plots.bars(scores(), x="style", y="ssim", hue="method").axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["wave", "night"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Gatys", "Johnson"]
    gatys, johnson = ax.containers
    np.testing.assert_allclose([bar.get_height() for bar in gatys], [0.4, 0.3])
    np.testing.assert_allclose([bar.get_height() for bar in johnson], [0.5, 0.7])
    assert not [line for line in ax.lines if len(line.get_xdata())]


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 0, 2], [1, 2]])
@pytest.mark.parametrize("hue", ["method", None])
def test_intervals_stand_on_their_bars(rows, hue):
    table = scores().iloc[rows]
    if hue is None:
        table = table.drop_duplicates("style")
    ax = plots.bars(table, x="style", y="ssim", hue=hue, error=("low", "high")).axes[0]
    drawn = {
        (round(bar.get_x() + bar.get_width() / 2, 6), round(bar.get_height(), 6))
        for bar in ax.patches
        if bar.get_height() > 0
    }
    segments = ax.collections[0].get_segments()
    expected = {
        (round(segment[0, 0], 6), round(height, 6))
        for segment, height in zip(segments, table["ssim"], strict=True)
    }
    assert drawn == expected
    ends = np.array([segment[:, 1] for segment in segments])
    np.testing.assert_allclose(ends, table[["low", "high"]])


def test_bars_without_groups_have_no_legend_and_one_colour():
    table = scores().drop_duplicates("style")
    ax = plots.bars(table, x="style", y="ssim").axes[0]
    assert ax.get_legend() is None
    assert len({bar.get_facecolor() for bar in ax.patches}) == 1


def test_long_names_under_bars_are_turned():
    table = pd.DataFrame({"name": [f"a rather long name {i}" for i in range(6)], "y": range(6)})
    ax = plots.bars(table, x="name", y="y").axes[0]
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {30.0}


def test_bars_arguments_are_checked():
    with pytest.raises(ValueError, match="wave comes twice in style"):
        plots.bars(scores(), x="style", y="ssim")
    with pytest.raises(ValueError, match="has no column 'kind'"):
        plots.bars(scores(), x="style", y="ssim", hue="kind")
    with pytest.raises(ValueError, match="hue is 'style', the same as x"):
        plots.bars(scores(), x="style", y="ssim", hue="style")
    with pytest.raises(ValueError, match="column 'ssim' must lie between"):
        plots.bars(
            scores().assign(high=0.0), x="style", y="ssim", hue="method", error=("low", "high")
        )


def test_groups_may_be_numbers():
    table = scores().assign(size=[128, 256, 128, 256])
    legend = plots.bars(table, x="style", y="ssim", hue="size").axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["128", "256"]
    plots.quality_scatter(table, x="ssim", y="distance", hue="size")
