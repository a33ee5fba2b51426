"""The shipped model."""
