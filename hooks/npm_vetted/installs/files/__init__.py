"""The kinds of files with commands, discovered automatically: one module each."""
