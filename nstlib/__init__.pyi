from . import errors, images, machine, metrics, study
from .data.folders import photo_folder
from .data.pictures import catalogue, painting_names, photo, photo_names, style, style_names
from .errors import NstError
from .files import load_image, save_image
from .images import resize, transfer_colour
from .johnson.distillation import distill
from .johnson.engines import load_engine
from .johnson.export import export_network
from .johnson.network import (
    Network,
    build_transformer,
    load_network,
    save_network,
)
from .johnson.saved import network_names
from .johnson.schedule import Schedule
from .johnson.training import train, training_objective
from .machine.precision import use_bfloat16
from .methods import stylize
from .metrics import evaluate, lpips
from .objective.features import feature_extractor
from .objective.losses import content_loss, gram_matrix, style_loss, total_variation_loss
from .objective.perceptual import PerceptualLoss
from .optimization.pixels import gatys
from .study import plots

__all__ = [
    "Network",
    "NstError",
    "PerceptualLoss",
    "Schedule",
    "build_transformer",
    "catalogue",
    "content_loss",
    "distill",
    "errors",
    "evaluate",
    "export_network",
    "feature_extractor",
    "gatys",
    "gram_matrix",
    "images",
    "load_engine",
    "load_image",
    "load_network",
    "lpips",
    "machine",
    "metrics",
    "network_names",
    "painting_names",
    "photo",
    "photo_folder",
    "photo_names",
    "plots",
    "resize",
    "save_image",
    "save_network",
    "study",
    "style",
    "style_loss",
    "style_names",
    "stylize",
    "total_variation_loss",
    "train",
    "training_objective",
    "transfer_colour",
    "use_bfloat16",
]
