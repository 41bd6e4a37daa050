"""Where a command runs: the files, the project and the settings that are in force there."""
