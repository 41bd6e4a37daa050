"""What a reviewer sees of a version: its facts, its changes, and the signals in its code."""
