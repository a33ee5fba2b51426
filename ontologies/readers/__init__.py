"""Readers of code tables, one file a format."""
