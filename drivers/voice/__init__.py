"""Voice: a worker process with espeak-ng; never in the window process."""
