"""Rating keypads (评价器): one byte a key."""
