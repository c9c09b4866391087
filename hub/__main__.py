"""`python -m hub`: set up, serve, and answer questions about what is held."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from hub.cli import main

sys.exit(main(sys.argv[1:]))
