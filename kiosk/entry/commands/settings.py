"""`kiosk settings`: check a file, or describe every field."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from drivers.addresses import address_of
from drivers.device import DeviceClass, Fault
from kiosk.entry.commands.answer import Exit, bad_use, ok_line
from kiosk.entry.commands.settings_file import load_settings, tell
from kiosk.settings import Settings, SettingsFault, fault_at


def run(file: Path | None, *, describe: bool, json: bool) -> int:
    if describe:
        print(describe_settings(), end="")
        return Exit.DONE
    if file is None:
        return bad_use("name a settings file, or use --describe", json=json)
    settings = load_settings(file, json=json)
    if not isinstance(settings, Settings):
        return settings
    faults = wrong_addresses(file, settings)
    if faults:
        return tell(faults, json=json)
    print(ok_line(file=str(file)) if json else f"{file}: in order")
    return Exit.DONE


def wrong_addresses(file: Path, settings: Settings) -> tuple[SettingsFault, ...]:
    """What the terminal would start without: devices whose address none of their kind can have."""
    faults = []
    for device in DeviceClass:
        url = getattr(settings, device.value).url
        address = address_of(device, url) if url else None
        if isinstance(address, Fault):
            faults.append(fault_at(file, device.value, "url", address.detail))
    return tuple(faults)


def describe_settings() -> str:
    """Every section, field, default and description as Markdown; docs/settings.md is this text."""
    out = [
        "# The settings file",
        "",
        "TOML, `/etc/kiosk/kiosk.toml` by default. Every field has a default; write only what differs.",
        "This page is made by `kiosk settings --describe`; a test keeps it in step.",
    ]
    for name, section in Settings.model_fields.items():
        model = section.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)  # noqa: S101 - our own model
        out += ["", f"## [{name}]", ""]
        if model.__doc__ and not model.__doc__.startswith("!!!"):
            out += [" ".join(model.__doc__.split()), ""]
        out += ["| field | default | what it is |", "|---|---|---|"]
        for key, field in model.model_fields.items():
            default = field.default
            text = "" if default is None else str(default)
            out.append(f"| `{key}` | `{text}` | {field.description} |")
    return "\n".join(out) + "\n"
