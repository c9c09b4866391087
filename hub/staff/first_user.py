"""The first person: `staff`, with a random password that works until it is changed."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import Group, Permission

from hub.staff.models import User

FIRST_USER = "staff"
CLERKS = "窗口人员"
# Everything a clerk looks at, and the one thing a clerk decides.
CLERK_PERMISSIONS = (
    "view_application",
    "view_laterpapers",
    "decide_application",
    "view_attachment",
    "view_rating",
    "view_setaside",
    "handle_setaside",
    "view_queue",
    "view_terminal",
)
PASSWORD_GROUPS = 4
# Read from one screen and typed at another: no look-alikes.
PASSWORD_ALPHABET = "23456789abcdefghjkmnpqrstwxyz"  # noqa: S105 (the letters, not a password)


def one_time_password() -> str:
    """Four groups of four, about 77 bits."""
    return "-".join(
        "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(4)) for _ in range(PASSWORD_GROUPS)
    )


def make_first_user() -> str | None:
    """The password to hand over; None when the user is there already."""
    group, made = Group.objects.get_or_create(name=CLERKS)
    if made:
        group.permissions.set(Permission.objects.filter(codename__in=CLERK_PERMISSIONS))
    if User.objects.filter(username=FIRST_USER).exists():
        return None
    password = one_time_password()
    user = User(username=FIRST_USER, is_staff=True, is_superuser=True, must_change_password=True)
    user.set_password(password)
    user.save()
    return password


def new_one_time_password(username: str) -> str | None:
    """For someone who lost theirs; None when there is no such user."""
    user = User.objects.filter(username=username).first()
    if user is None:
        return None
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    return password
