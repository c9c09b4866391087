"""One program a device, on the device's real wire, with a control socket beside it."""
