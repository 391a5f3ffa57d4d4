"""What chainrule has for a module of Keras's: a module each, with a ``room``.

If the way of calling differs, ``PATCHES`` says how while a test file runs: for a class of
chainrule's the attributes that it gets.
"""
