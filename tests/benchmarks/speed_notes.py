"""What limits the rows that miss their aim: what a profile of them shows, in words that stand beside the table."""

from __future__ import annotations

NOTES: dict[str, str] = {}
"""By the name of a row."""
