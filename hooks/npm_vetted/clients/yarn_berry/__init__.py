"""Yarn 2 and later, called Yarn berry."""
