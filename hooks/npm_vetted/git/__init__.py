"""What git holds: processes, objects, snapshots, comparisons, history, and safe writes."""
