"""The kinds of files that hold commands: one module each, found by itself."""
