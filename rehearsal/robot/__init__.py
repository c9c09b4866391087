"""A citizen that uses the terminal as a person does: looks at the window, presses, puts things down."""
