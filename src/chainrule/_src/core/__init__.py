"""Operations, tensors, gradients, and recordings of functions as equations."""
