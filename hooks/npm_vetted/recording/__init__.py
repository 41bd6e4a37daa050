"""Computes the notes that a change needs, and writes them."""
