"""Check all QML with the types of our Python classes known: `python -m ui.qmltypes`.

`pyside6-metaobjectdump` reads the classes from the Python files, `pyside6-qmltyperegistrar` writes
their .qmltypes, each module gets a qmldir that names them, and `pyside6-qmllint` then finds a
misspelt member, a wrong type, an unused import. Nothing is left behind: all files are temporary.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import PySide6

UI_FOLDER = Path(__file__).parent
QML_FOLDER = UI_FOLDER / "qml"
_TOOL_TIMEOUT_S = 240

# QML module -> Python files that register its types.
MODULES = {
    "Kiosk.Texts": ("texts.py",),
    "Kiosk.Frame": ("frame.py",),
    "Kiosk.Preview": ("preview.py",),
    "Kiosk.Models": tuple(
        f"models/{path.name}" for path in sorted((UI_FOLDER / "models").glob("*.py"))
    ),
}


def check(qml: Path = QML_FOLDER) -> tuple[bool, str]:
    """Lint every QML file under `qml`. Answers whether all is well, and what the tools said."""
    with tempfile.TemporaryDirectory(prefix="qmltypes-") as name:
        folder = Path(name)
        # a copy of the modules, so that a generated qmldir may stand beside the files it names
        tree = folder / "qml"
        shutil.copytree(qml, tree)
        for module, sources in MODULES.items():
            trouble = _generate(module, sources, tree, folder)
            if trouble:
                return False, trouble
        files = sorted(str(path) for path in tree.rglob("*.qml"))
        code, output = _run("pyside6-qmllint", "-I", str(tree), "--json", "-", *files)
        # as JSON: the plain output leaves some warnings out that it counts
        start = output.find("{")
        if start < 0:
            return False, output or f"qmllint ended with {code}"
        report = json.JSONDecoder().raw_decode(output[start:])[0]
        said = [
            f"{Path(file['filename']).relative_to(tree)}:{found.get('line', 0)}: "
            f"{found['message']} [{found['id']}]"
            for file in report["files"]
            for found in file["warnings"]
        ]
        return not said, "\n".join(said)


def _generate(module: str, sources: tuple[str, ...], tree: Path, folder: Path) -> str:
    """Write the .qmltypes of one module and name it in its qmldir. Answers "" or what went wrong."""
    place = tree.joinpath(*module.split("."))
    place.mkdir(parents=True, exist_ok=True)
    classes = folder / f"{module}.json"
    parts: list[dict[str, Any]] = []
    for source in sources:
        part = folder / "part.json"
        code, output = _run("pyside6-metaobjectdump", "-o", str(part), str(UI_FOLDER / source))
        if code:
            return output
        text = part.read_text(encoding="utf-8").strip()
        if text:
            parts.extend(json.loads(text))
    _mend(parts)
    classes.write_text(json.dumps(parts), encoding="utf-8")
    types = f"{module.replace('.', '_').lower()}.qmltypes"
    foreign = ",".join(
        str(path)
        for path in sorted((Path(PySide6.__file__).parent / "Qt" / "metatypes").glob("qt6*"))
        if path.name.split("_")[0] in {"qt6core", "qt6qml", "qt6gui", "qt6quick"}
    )
    code, output = _run(
        "pyside6-qmltyperegistrar",
        f"--generate-qmltypes={place / types}",
        f"--foreign-types={foreign}",
        f"--import-name={module}",
        "--major-version=1",
        "--minor-version=0",
        "-o",
        str(folder / "unused.cpp"),
        str(classes),
    )
    if code:
        return output
    qmldir = place / "qmldir"
    lines = qmldir.read_text(encoding="utf-8") if qmldir.exists() else f"module {module}\n"
    qmldir.write_text(f"{lines}typeinfo {types}\ndepends QtQuick\n", encoding="utf-8")
    return ""


def _mend(parts: list[dict[str, Any]]) -> None:
    """What the dump cannot know from one file alone: a base class of another file is an object,
    and a property of such a class holds a pointer."""
    classes = [one for part in parts for one in part["classes"]]
    objects = {one["className"] for one in classes if one.get("object")}
    found = True
    while found:
        found = False
        for one in classes:
            supers = {base["name"] for base in one.get("superClasses", ())}
            if not one.get("object") and supers & objects:
                one["object"] = True
                objects.add(one["className"])
                found = True
    for one in classes:
        for held in one.get("properties", ()):
            if held["type"] in objects:
                held["type"] += "*"


def _run(tool: str, *arguments: str) -> tuple[int, str]:
    """Run one of PySide6's tools of this environment."""
    path = Path(sys.executable).parent / tool
    done = subprocess.run(  # noqa: S603  # a fixed tool of our own environment
        [str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=_TOOL_TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    well, said = check()
    sys.stdout.write(said + ("\n" if said else ""))
    sys.stdout.write("QML: no warnings\n" if well else "QML: see above\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
