"""Whole stories, races and disasters against real server processes."""
