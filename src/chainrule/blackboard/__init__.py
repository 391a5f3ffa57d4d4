"""The blackboard: a network that learns, to watch, to stop and to look into."""
