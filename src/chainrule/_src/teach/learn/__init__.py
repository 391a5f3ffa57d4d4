"""``chainrule learn``: the labs' exercises in files of one's own, checked at every save."""
