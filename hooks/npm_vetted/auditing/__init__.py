"""The audit: an immutable report of one state and its history, and the formats that print it."""
