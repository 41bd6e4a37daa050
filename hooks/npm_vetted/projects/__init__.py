"""The JavaScript projects of a snapshot, and how a change alters them."""
