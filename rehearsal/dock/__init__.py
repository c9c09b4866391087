"""A window beside the terminal: what one's hands would do to the devices. Talks to control sockets only."""
