"""Tables, preprocessing and files."""
