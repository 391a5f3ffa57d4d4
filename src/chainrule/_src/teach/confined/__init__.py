"""The other process, in which a submission runs: what it may do, and how it is spoken to."""
