"""Programs that are valid for any batch size; recurrences (`scan`) and `vmap` in programs."""
