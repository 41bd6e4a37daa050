"""Code that several clients share: what a lockfile is, and the readers that two formats have in common."""
