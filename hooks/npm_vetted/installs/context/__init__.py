"""Where a command runs: the files there, the project, and the settings in force."""
