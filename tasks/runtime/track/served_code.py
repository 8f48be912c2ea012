"""The code that a registered version carries: the modules that its model needs, in a package of its own.

A version must answer where this project is not installed, and after an upgrade of it as before. MLflow puts
the folder ``code`` of a version on the path; but where ``tasks`` is loaded already, in a command of this
project, the loaded modules would win over those of the version, and two versions would share those of the
first. So the modules are copied, their imports rewritten, into a package whose name ends in the hash of what
it holds: the same code is loaded once, and other code never under its name.

Only the modules that a model imports are copied, read from the syntax trees. Libraries that are imported
inside functions are not required: fitting an ARIMA needs statsmodels, answering does not.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("tasks", "expectations")
"""Packages of the project whose modules a model may need."""
CLASSES = {
    "demand": ("tasks.served.demand", "Demand"),
    "price_response": ("tasks.served.response", "PriceResponse"),
    "pricing_policy": ("tasks.served.policy", "PricingPolicy"),
}
"""Module and class of each model."""
GOLDEN = "tasks.served.golden"
ENTRIES = {model: f"{module.rpartition('.')[2]}.py" for model, (module, _) in CLASSES.items()}
"""File of each model's version that MLflow imports."""
CODE = "code"  # folder in a version that MLflow puts on the path
PREFIX = "repricer_served"
HASH = 12  # hexadecimal digits in the name of a package
ALWAYS = ("mlflow", "pyarrow")  # serves; reads the tables
IMPORTED: dict[str, str] = {}
"""SHA-256 of the code from which a package of this process was last imported, by its name."""
ENTRY = '''"""The registered model ``{model}``, answered by the code that lies beside it."""

from mlflow.models import set_model

from {module} import {name}

set_model({name}())
'''
INIT = '"""The code that a registered model carries."""\n'


class CodeError(RuntimeError):
    """A module that a version cannot carry."""


@dataclass(frozen=True, kw_only=True)
class ServedCode:
    """The code of a model.

    Attributes:
        package: its name.
        module: the module of the model's class, in the package.
        name: of the class.
        golden: the module that records and checks its answers, in the package.
        files: text by path below the folder ``code``.
        entry_name: file that MLflow imports.
        entry: its text.
        requirements: pinned distributions that it needs, all of them on a package index.
    """

    package: str
    module: str
    name: str
    golden: str
    files: dict[str, str]
    entry_name: str
    entry: str
    requirements: tuple[str, ...]

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 (hexadecimal) of every file by its path in a version."""
        texts = {f"{CODE}/{path}": text for path, text in self.files.items()} | {self.entry_name: self.entry}
        return {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}

    def write(self, folder: Path) -> Path:
        """Write the entry and the package into a folder and return the path of the entry."""
        for path, text in self.files.items():
            file = folder / CODE / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        entry = folder / self.entry_name
        entry.write_text(self.entry, encoding="utf-8", newline="\n")
        return entry


@cache
def served_code(model: str) -> ServedCode:
    """Return the code that a version of a model carries.

    Raises:
        CodeError: a module imports this project in a way that cannot be rewritten.
    """
    module, name = CLASSES[model]
    sources = _closure(module)
    neutral = "".join(f"{path}\0{rewritten(text, PREFIX)}\0" for path, text in sources.items())
    package = f"{PREFIX}_{model}_{hashlib.sha256(neutral.encode()).hexdigest()[:HASH]}"
    files = {f"{package}/__init__.py": INIT}
    files |= {f"{package}/{path}": rewritten(text, package) for path, text in sources.items()}
    return ServedCode(
        package=package,
        module=f"{package}.{module}",
        name=name,
        golden=f"{package}.{GOLDEN}",
        files=files,
        entry_name=ENTRIES[model],
        entry=ENTRY.format(model=model, module=f"{package}.{module}", name=name),
        requirements=_requirements(sources.values()),
    )


def rewritten(text: str, package: str) -> str:
    """Return the text of a module with the imports of this project taken from a package.

    Raises:
        CodeError: it imports a module of the project whole, or inside a function, where the files of a
            version may be gone.
    """
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        inner = [name for name in _imported(node) if name.split(".")[0] in ROOMS]
        if not inner:
            continue
        if not isinstance(node, ast.ImportFrom) or node.col_offset:
            raise CodeError(
                f"the code of a registered model imports {inner[0]} in line {node.lineno}: write "  # type: ignore[attr-defined]
                "`from module import name` at the top of the module, so that a version can carry it."
            )
        lines[node.lineno - 1] = lines[node.lineno - 1].replace("from ", f"from {package}.", 1)
    return "".join(lines)


def forget_other_code(folder: Path) -> None:
    """Let the packages below the folder ``code`` be imported anew where other code has their names."""
    for place in sorted((folder / CODE).glob("*/")):
        files = sorted(path for path in place.rglob("*.py") if path.is_file())
        content = b"".join(
            path.relative_to(place).as_posix().encode() + b"\0" + path.read_bytes() + b"\0" for path in files
        )
        digest = hashlib.sha256(content).hexdigest()
        if IMPORTED.get(place.name) != digest:
            forget(place.name)
        IMPORTED[place.name] = digest


def forget(package: str) -> None:
    """Let a package be imported anew, from where the path then leads; who has its modules keeps them."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Put the folder ``code`` below a folder on the path for a while; the path is then as it was."""
    with path_kept():
        sys.path = [str(folder / CODE), *sys.path]
        yield


@contextmanager
def path_kept() -> Iterator[None]:
    """Leave the path as it is now: MLflow puts the code of what it loads first and never takes it off."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def _closure(module: str) -> dict[str, str]:
    """Return the texts of the modules that a module needs, itself and packages too, by path in order."""
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        path = _file(waiting.pop())
        if path is None or path in sources:
            continue
        sources[path] = (ROOT / path).read_text(encoding="utf-8")
        inner = [name for node in ast.walk(ast.parse(sources[path])) for name in _imported(node)]
        parents = [".".join(Path(path).parts[:depth]) for depth in range(1, len(Path(path).parts))]
        waiting += [name for name in (*inner, *parents) if name.split(".")[0] in ROOMS]
    return dict(sorted(sources.items()))


def _imported(node: ast.AST) -> list[str]:
    """Return the dotted names that a statement imports; a name of a module may be one of its own."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _file(module: str) -> str | None:
    """Return the path of a module below the root of the project, none where the name is no module."""
    stem = module.replace(".", "/")
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file()), None)


def _requirements(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the pinned distributions that modules import when they are loaded."""
    statements = (node for text in texts for node in ast.parse(text).body)
    roots = {name.split(".")[0] for node in statements for name in _imported(node)}
    libraries = roots - set(sys.stdlib_module_names) - {*ROOMS, "__future__"} | set(ALWAYS)
    return tuple(f"{library}=={version(library)}" for library in sorted(libraries))
