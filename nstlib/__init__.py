"""Neural style transfer, measured: optimise the pixels (Gatys) or train a network (Johnson).

    import nstlib as nst

    photo = nst.photo("astronaut", size=384)            # or nst.load_image("mine.jpg", size=384)
    style = nst.style("brush_flow", size=384)           # or nst.load_image("painting.jpg", size=384)
    slow = nst.gatys(photo, style, steps=100)           # slow.image, slow.history (a DataFrame)
    fast = nst.load_network("brush_flow").stylize(photo)
    nst.plots.gallery(photo, style, {"Gatys": slow.image, "Johnson": fast})

Every name below is loaded on first use, so that `import nstlib` is quick and needs no TensorFlow.
"""

import lazy_loader

_NAMES = {
    "images": [
        "ImageError",
        "check_image",
        "fit",
        "load_image",
        "luminance",
        "resize",
        "save_image",
        "transfer_colour",
        "transfer_luminance",
    ],
    "losses": [
        "content_loss",
        "feature_moments",
        "gram_matrix",
        "moment_loss",
        "style_loss",
        "total_variation_loss",
    ],
    "transformer": [
        "Network",
        "NetworkError",
        "build_transformer",
        "load_network",
        "network_names",
        "new_network",
        "save_network",
        "trunk",
    ],
    "benchmark": ["Timing", "describe_machine", "in_fresh_process", "measure", "peak_memory"],
    "precision": ["PrecisionError", "has_bfloat16", "use_bfloat16"],
    "profiles": ["Profile", "profile", "set_seed"],
    "results": ["ResultsFolder", "results_folder"],
    "data": [
        "DataError",
        "PhotoFolder",
        "catalogue",
        "data_folder",
        "painting_names",
        "photo",
        "photo_folder",
        "photo_names",
        "style",
        "style_names",
    ],
    "features": ["ExtractorError", "feature_extractor", "layer_names"],
    "perceptual": ["LossTerms", "PerceptualLoss"],
    "gatys": ["GatysResult", "OptimizationError", "gatys"],
    "training": [
        "TrainingError",
        "TrainingResult",
        "distill",
        "train",
        "train_identity",
        "training_objective",
    ],
    "export": ["ExportError", "export_network"],
    "memory": ["check_memory", "estimate_memory"],
    "methods": ["network_objective", "stylize"],
    "statistics": [
        "break_even",
        "growth",
        "interval_text",
        "mean_interval",
        "mean_intervals",
        "median_ranges",
        "paired_differences",
        "pareto_front",
    ],
    "speed": [
        "across_processes",
        "batch_seconds",
        "evaluation_seconds",
        "pass_seconds",
        "training_seconds",
    ],
    "recommend": [
        "Recommendation",
        "RecommendationError",
        "calibrate",
        "expected_costs",
        "expected_seconds",
        "measured_table",
        "recommend",
    ],
    "explorer": ["explorer"],
    "study": ["Comparison", "compare", "equivalent_evals", "run_study"],
    "metrics": [
        "colour_distance",
        "edge_preservation",
        "evaluate",
        "moment_distance",
        "patch_distance",
        "ssim",
        "ssim_colour",
        "total_variation",
    ],
}

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["plots"], submod_attrs=_NAMES
)
