"""Yarn 1, called Yarn classic."""
