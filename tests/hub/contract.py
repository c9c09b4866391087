"""The running hub held to its own OpenAPI document, by whatever schemathesis thinks of."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
import schemathesis
from hub_server import Server
from hub_terminal import Live, Terminal
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from hub.api.document import FILE

CASES_A_DOOR = 8  # of each of a dozen doors, well-formed and not
LIMIT_S = 60
# Whether a batch's items are good is told item by item, so a bad one does not fail its batch, and
# what is well-formed may still be no receipt or no request: those two checks ask for something else.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


@schemathesis.serializer("application/cbor")
def _cbor(_: object, value: Any) -> bytes:
    return value if isinstance(value, bytes) else cbor2.dumps(value)


@schemathesis.serializer("application/offset+octet-stream")
def _part(_: object, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


schema = schemathesis.openapi.from_dict(json.loads(FILE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def enrolled(server: Server) -> Terminal:
    return server.enrolled("SC01")


@schema.parametrize()
@settings(
    max_examples=CASES_A_DOOR,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_door_answers_as_the_document_says(
    case: Case, enrolled: Terminal, server: Server
) -> None:
    way = enrolled.way
    assert isinstance(way, Live)
    case.call_and_validate(
        base_url=server.address,
        checks=CHECKS,
        verify=server.authority,
        cert=way.shown(enrolled.certificate),
        timeout=LIMIT_S,
    )
