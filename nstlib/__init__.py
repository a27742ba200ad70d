"""Neural style transfer, measured: optimise the pixels (Gatys) or train a network (Johnson)."""
