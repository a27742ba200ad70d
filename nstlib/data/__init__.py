"""The pictures of the study, known by name, and folders of photos of one's own."""

#: Longer side in px of a style image where nothing else is asked for; `nstlib.data.pictures.style_size` has exceptions.
STYLE_SIZE = 384
