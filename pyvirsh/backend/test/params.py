"""Typed parameters checked, for the modules of this driver."""

from pyvirsh.backend.params import checked as checked
