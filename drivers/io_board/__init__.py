"""Guide lights and beeper on a small board."""
