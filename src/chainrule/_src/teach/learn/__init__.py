"""``chainrule learn``: the labs' exercises in the learner's files, checked at every save."""
