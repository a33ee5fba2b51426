"""Text in, mentions and relations out; knows text, never codes."""
