"""Notes in; coded patient timelines and entity graphs out."""
