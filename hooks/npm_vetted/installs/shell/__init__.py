"""The shell reader: it follows a script and finds the commands that it runs."""
