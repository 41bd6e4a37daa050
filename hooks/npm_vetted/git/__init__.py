"""Access to git: processes, objects, snapshots, comparisons, history, and safe writes."""
