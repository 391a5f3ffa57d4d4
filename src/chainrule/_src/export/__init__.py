"""Models for others: ONNX, Keras, modules that need NumPy alone."""
