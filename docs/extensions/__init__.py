"""Parts of the site that are written from the code while it is built."""
