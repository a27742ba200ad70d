from . import plots
from .advice import Recommendation, recommend
from .comparison import Comparison, compare, equivalent_evals
from .conclusions import main_findings
from .costs import (
    calibrate,
    expected_break_even,
    expected_costs,
    expected_seconds,
    expected_training,
    measured_table,
)
from .extractors import ExtractorComparison, compare_extractors, with_balance_of
from .method import Method
from .profiles import Profile, profile, set_seed
from .results import ResultsFolder, results_folder
from .running import run_study
from .statistics import (
    break_even,
    growth,
    interval_text,
    mean_interval,
    mean_intervals,
    median_ranges,
    paired_differences,
    pareto_front,
)
from .timing import (
    across_processes,
    batch_seconds,
    evaluation_seconds,
    pass_name,
    pass_seconds,
    speedups,
    training_seconds,
)
from .widget import explorer

__all__ = [
    "Comparison",
    "ExtractorComparison",
    "Method",
    "Profile",
    "Recommendation",
    "ResultsFolder",
    "across_processes",
    "batch_seconds",
    "break_even",
    "calibrate",
    "compare",
    "compare_extractors",
    "equivalent_evals",
    "evaluation_seconds",
    "expected_break_even",
    "expected_costs",
    "expected_seconds",
    "expected_training",
    "explorer",
    "growth",
    "interval_text",
    "main_findings",
    "mean_interval",
    "mean_intervals",
    "measured_table",
    "median_ranges",
    "paired_differences",
    "pareto_front",
    "pass_name",
    "pass_seconds",
    "plots",
    "profile",
    "recommend",
    "results_folder",
    "run_study",
    "set_seed",
    "speedups",
    "training_seconds",
    "with_balance_of",
]
