"""A service as steps. Pure: no Qt, no I/O; effects are values that somebody else carries out."""
