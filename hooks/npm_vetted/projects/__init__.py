"""The JavaScript projects of a snapshot, and what a change does to them."""
