"""What must not be lost: sealed applications, their attachments, and the way to the hub.

Imports nothing of the other rooms. What it needs from above (clock, log) it asks for by the
small Protocols of `ports.py`.
"""
