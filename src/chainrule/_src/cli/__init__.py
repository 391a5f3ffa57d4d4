"""The command line: each verb a module, `app.py` the whole."""
