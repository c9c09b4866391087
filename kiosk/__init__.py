"""What the terminal does: no wires, no screens."""
