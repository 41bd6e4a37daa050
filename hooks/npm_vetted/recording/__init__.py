"""Which notes a change needs, and how a note is written."""
