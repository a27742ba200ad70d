"""Figures of the study: arrays and pandas tables in, a matplotlib `Figure` out.

Nothing here computes results, and nothing goes through pyplot: a figure is returned, a notebook shows it when it is the
last expression of a cell, and no global state or style changes. Photographs are shown as JPEG and charts as PNG, which
keeps notebooks small.
"""

from nstlib.study.plots.charts import (
    bars,
    growth_lines,
    heatmap,
    loss_curves,
    pareto,
    quality_scatter,
    timing_bars,
    training_curve,
)
from nstlib.study.plots.pictures import gallery, image_grid

__all__ = [
    "bars",
    "gallery",
    "growth_lines",
    "heatmap",
    "image_grid",
    "loss_curves",
    "pareto",
    "quality_scatter",
    "timing_bars",
    "training_curve",
]
