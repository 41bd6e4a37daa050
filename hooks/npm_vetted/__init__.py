"""npm-vetted: no npm dependency enters a repository without a vetting note."""

__version__ = "0.2.0"
SITE = "https://npm-vetted.github.io/npm-vetted/"
"""Where the documentation and the schemas are published."""
