"""Checks of a completed definition, by theme."""
