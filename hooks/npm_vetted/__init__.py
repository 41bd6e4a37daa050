"""npm-vetted: no npm dependency enters a repository without a vetting note."""

__version__ = "0.1.0"
