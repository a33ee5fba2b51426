"""A real Neo4j, and what tests put into it."""

SKIPPED = "Neo4j is not tested"
"""What the summary of a run looks for in the reasons of skipped tests, to say it loudly."""
