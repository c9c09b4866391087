"""The people of the centre, and what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest, HttpResponse

from hub.staff.models import User


@admin.register(User)
class StaffUserAdmin(UserAdmin):
    list_display = ("username", "last_name", "first_name", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "must_change_password")}),
        ("姓名", {"fields": ("last_name", "first_name")}),
        ("权限", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("登录", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined", "must_change_password")
    filter_horizontal = ("groups",)
    # Found by the model's own name only; ours is staff.user.
    add_form_template = "admin/auth/user/add_form.html"

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            # Who makes an account knows its password: it opens one door only.
            obj.must_change_password = True
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        before = User.objects.filter(pk=id).values_list("password", flat=True).first()
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if str(request.user.pk) != id:
            User.objects.filter(pk=id).exclude(password=before).update(must_change_password=True)
        return response


@admin.register(LogEntry)
class DeedAdmin(admin.ModelAdmin):
    """Who did what on this site. Nobody edits it."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag")
    list_filter = ("action_flag", "content_type")
    date_hierarchy = "action_time"
    list_select_related = ("user", "content_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
