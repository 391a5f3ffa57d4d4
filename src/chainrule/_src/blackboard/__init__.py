"""Blackboard: a page on which a network is watched while it learns, stopped, and taken back."""
