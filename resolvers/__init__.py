"""Strings in, scored concepts out; never sees a note."""
