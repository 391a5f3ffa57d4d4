"""Texts as inputs of the model."""

from keras import layers

vectorize = layers.TextVectorization(max_tokens=100, output_sequence_length=10)
vectorize.adapt(["the cat sat", "the dog ran"])
