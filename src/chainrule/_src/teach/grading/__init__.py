"""``chainrule grade``: a class's submissions, checked in processes of their own; marks."""
