"""Code that several clients share: the interface of a lockfile, and readers for two formats."""
