"""Recipes for networks on tables: training, scores, and predictions for new data."""
