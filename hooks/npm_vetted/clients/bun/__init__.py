"""The client bun."""
