"""Targets to try a pool with."""
