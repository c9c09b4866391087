"""The world around a terminal, for development, training and tests.

Emulated devices on real wires, a dock window to place cards and papers by hand, a robot citizen
that uses the window as a person does, and the town that starts them all. Nothing here is part of
an installed terminal, and nothing here knows the terminal's own code: every encoder is its own.
"""
