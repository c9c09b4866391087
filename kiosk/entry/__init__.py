"""The only rooms that know everybody: the command line, the supervisor, one composition root a process."""
