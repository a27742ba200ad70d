"""The pictures of the study, known by name, and folders of photos of one's own."""
