"""``chainrule export-lab``: a lab for nbgrader, Otter, Gradescope, PrairieLearn, a classroom."""
