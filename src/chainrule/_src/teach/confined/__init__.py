"""The sandbox process in which a submission runs: its restrictions and its protocol."""
