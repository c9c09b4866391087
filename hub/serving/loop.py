"""The server's loop: uvloop, with peers given seconds, not minutes, to shake hands and to say goodbye."""

from __future__ import annotations

from typing import Any

import uvloop

HANDSHAKE_S = 20.0  # three round trips on a line of 64 kbit/s take two
GOODBYE_S = 2.0


class Loop(uvloop.Loop):
    async def create_server(self, *arguments: Any, **more: Any) -> Any:
        if more.get("ssl") is not None:
            more.setdefault("ssl_handshake_timeout", HANDSHAKE_S)
            more.setdefault("ssl_shutdown_timeout", GOODBYE_S)
        return await super().create_server(*arguments, **more)
