"""Words and masks for the staff site's pages."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from hub import catalogue, masking, numbers
from hub.applications.decisions import Step

register = template.Library()
register.filter("grouped", numbers.grouped)
register.filter("item_name", catalogue.item_name)
register.filter("masked_name", masking.masked_name)


@register.filter
def needs_note(steps: Iterable[Step]) -> bool:
    return any(step.note_needed for step in steps)
