"""Train a network that paints in one pass (Johnson et al. 2016): build, train, keep, export."""

#: Of the slim networks that ship, as a share of the paper's channels. Here, so that to name it loads no framework.
SLIM_WIDTH = 0.25
#: In which an engine computes convolutions.
PRECISIONS = ("float32", "bfloat16", "int8")
