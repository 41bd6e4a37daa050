"""The client npm."""
