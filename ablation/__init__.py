"""One trial: from a frozen question (`TrialSpec`) to a folder that holds the answer."""

__version__ = "0.1.0"
