"""The OpenAPI document, as it is served and as it is kept in hub/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

from ninja.responses import NinjaJSONEncoder

from hub.api.routes import build_api

FILE = Path(__file__).resolve().parent.parent / "openapi.json"


def document() -> str:
    schema = build_api().get_openapi_schema(path_prefix="/api/v1/")
    return json.dumps(schema, cls=NinjaJSONEncoder, ensure_ascii=False, indent=2) + "\n"
