"""Sizes of what the hub takes, in one place: the API checks them, the server enforces them."""

from __future__ import annotations

BATCH_BYTES = 1_048_576 + 131_072  # 1 MB of sealed items as agreed, and what stands around them
BATCH_ITEMS = 100
QUESTION_BYTES = 16_384  # enrolment, renewal, progress, earlier: a few hundred bytes each
ATTACHMENT_BYTES = 32 * 1_048_576  # a document of 30 photographed pages has about 10 MB
PART_BYTES = 1_048_576  # a terminal's largest part is 256 KB
OPENED_BYTES = 1_048_576  # an item, opened and unpacked; an application has 2 to 4 KB

PICKUP_BYTES = 12 * 1_048_576  # ten scanned pages have 3 to 8 MB

PICKUPS_PATH = "/api/v1/pickups/"
BATCH_PATH = "/api/v1/batch"
ATTACHMENTS_PATH = "/api/v1/attachments/"


def body_bytes(path: str) -> int:
    """The most that is read of a request to this path."""
    if path == BATCH_PATH:
        return BATCH_BYTES
    if path.startswith(PICKUPS_PATH):
        return PICKUP_BYTES
    return PART_BYTES if path.startswith(ATTACHMENTS_PATH) else QUESTION_BYTES
