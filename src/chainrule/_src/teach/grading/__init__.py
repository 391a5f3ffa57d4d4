"""``chainrule grade``: mark a class's submissions, checked in separate processes."""
