"""Device classes of the terminal: one folder each, no screens, no flow."""
