"""Networks and losses as modules for web pages, where they predict and train."""
