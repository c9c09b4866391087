"""Sizes of what the hub takes, in one place: the API checks them, the server enforces them."""

from __future__ import annotations

BATCH_BYTES = 1_048_576  # 1 MB, as agreed with the terminals
BATCH_ITEMS = 100
QUESTION_BYTES = 16_384  # enrolment, progress, earlier: a few hundred bytes each
ATTACHMENT_BYTES = 32 * 1_048_576  # a document of 30 photographed pages has about 10 MB
CHUNK_BYTES = 65_536
