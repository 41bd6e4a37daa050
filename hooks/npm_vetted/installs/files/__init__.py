"""The kinds of files that commands stand in: one module each, found by itself."""
