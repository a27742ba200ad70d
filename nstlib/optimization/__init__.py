"""Optimise the pixels of one image (Gatys et al. 2016)."""
