"""Where the graph is kept."""
