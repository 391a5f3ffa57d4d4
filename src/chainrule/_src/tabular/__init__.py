"""Estimators and recipes for tables."""
