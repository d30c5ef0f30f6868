"""Many trials: from a grid of questions to a folder of records, each trial run exactly once."""
