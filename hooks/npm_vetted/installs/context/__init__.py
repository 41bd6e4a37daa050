"""The place where a command runs: its files, its project, and the settings in force."""
