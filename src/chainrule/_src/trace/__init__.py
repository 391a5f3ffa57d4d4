"""Programs that serve any batch size; loops and examples in them."""
