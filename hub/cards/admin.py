"""The record of password resets for staff: looked at, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone

from hub.applications.admin import FactsOnly
from hub.cards.models import CardDialogue


@admin.register(CardDialogue)
class CardDialogueAdmin(FactsOnly):
    list_display = (
        "short",
        "name_masked",
        "number_masked",
        "outcome",
        "card_state",
        "code",
        "terminal_",
        "begun",
    )
    list_filter = ("outcome", "card_state", "terminal", "begun_at")
    search_fields = ("dialogue",)
    search_help_text = "查询号"
    fields = (*list_display, "region", "heard_at")
    readonly_fields = fields

    @admin.display(description="查询号")
    def short(self, row: CardDialogue) -> str:
        """As the terminal shows and prints it."""
        return row.dialogue[:8].upper()

    @admin.display(description="开始", ordering="begun_at")
    def begun(self, row: CardDialogue) -> str:
        return f"{timezone.localtime(row.begun_at):%m-%d %H:%M}"
