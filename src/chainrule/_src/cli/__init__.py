"""The command line: one module for each verb; `app.py` combines the verbs."""
