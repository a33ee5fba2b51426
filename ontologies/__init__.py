"""Code systems: concepts, tables, readers; knows codes, never text."""
