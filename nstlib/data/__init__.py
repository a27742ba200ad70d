"""The pictures of the study, known by name, and folders of photos of one's own."""

#: Longer side in px of a style image where nothing else is asked for: that of the networks' training.
STYLE_SIZE = 384
