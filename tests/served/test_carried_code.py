"""A version runs the code that it carries: inside this project, and where it is not installed."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.champion import MODELS
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.recommend import Order, recommend
from tasks.pricing.price_list import in_force
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import track, verified_models
from tasks.runtime.track import Registration, served_code
from tasks.runtime.track.model_files import load_folder
from tasks.runtime.track.served_code import CodeError, rewritten
from tests.conftest import environment
from tests.runtime.stores import attempt_in
from tests.stages.test_market import dated_policy, stored

BLOCKED = "tasks expectations conf flows infra tensorflow keras prefect statsmodels optuna great_expectations"
PROBE = f"""
import json, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in "{BLOCKED}".split():
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
"""
ANSWER = """
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
requests = [pd.DataFrame(rows) for rows in json.loads(sys.argv[2])]
print(json.dumps([model.predict(rows).to_dict("records") for rows in requests]))
"""


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """Return a store with a version of a small policy, and the URI of its files."""
    folder = tmp_path_factory.mktemp("carried")
    settings, model = Settings(profile="smoke", data_folder=str(folder)), dated_policy()
    with track.stage_run(attempt_in(settings), "register") as run:
        registration = Registration(
            name="pricing_policy",
            files=stored(model, folder)["model_files"],
            example=in_force(model),
            tags={FORMAT_TAG: str(FORMAT), "verdict": "PASS"},
        )
        run.model(registration)
    verified_models.seal(settings, {"pricing_policy": 1})
    return settings, track.open_store(settings).get_model_version_download_uri("pricing_policy", "1")


def outside(code: str, *arguments: str, folder: Path) -> str:
    """Run code in a process that knows neither this project nor its heavy libraries."""
    command = [sys.executable, "-c", PROBE + code, *arguments]
    variables = environment(MLFLOW_DISABLE_TELEMETRY="true")
    variables.pop("PYTHONPATH", None)
    process = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def loaded(settings: Settings) -> Any:
    track.open_store(settings)
    return verified_models.load(settings, "pricing_policy", 1).unwrap_python_model()


# --- what is carried ---


def test_the_code_of_every_model_loads_without_this_project_and_its_heavy_libraries(tmp_path: Path) -> None:
    codes, modules = [served_code.served_code(model) for model in MODELS], set()
    for code in codes:
        code.write(tmp_path)
        modules |= {
            path.removesuffix(".py").replace("/", ".") for path in code.files if "__init__" not in path
        }
    imports = "\n".join(f"import {code.module}" for code in codes)
    probe = f"sys.path.insert(0, sys.argv[1])\n{imports}\nprint(json.dumps(list(sys.modules)))"
    imported = set(json.loads(outside(probe, str(tmp_path / "code"), folder=tmp_path)))
    assert modules <= imported, "all of it is imported at once: its files may go after the load"
    assert not {name.partition(".")[0] for name in imported} & set(BLOCKED.split())


@pytest.mark.parametrize("model", MODELS)
def test_only_what_the_model_needs_is_carried_and_only_what_an_index_has_is_required(model: str) -> None:
    code = served_code.served_code(model)
    rooms = {path.split("/")[2] for path in code.files if path.count("/") > 2}
    subject = {"demand": "demand", "price_response": "response", "pricing_policy": "pricing"}[model]
    assert rooms == {"served", subject}
    assert not [
        path for path in code.files if path.endswith(("market.py", "lstm.py", "network.py", "dqn.py"))
    ]
    assert all("==" in line and not line.startswith("repricer") for line in code.requirements)
    assert {line.partition("==")[0] for line in code.requirements} <= {
        *("mlflow", "numpy", "pandas", "pyarrow", "scipy")
    }


def test_imports_of_the_project_are_rewritten_and_nothing_else() -> None:
    text = '''"""Text.

from tasks.pricing import what is written here
"""

from numpy import array
from tasks.pricing.rules import (
    NEAR,
    Rules,
)
import json; from expectations.columns import PRICE
'''
    expected = text.replace("from tasks.pricing.rules", "from p.tasks.pricing.rules")
    assert rewritten(text.replace("import json; ", ""), "p") == expected.replace(
        "import json; from expectations", "from p.expectations"
    )
    assert ast.parse(expected)


@pytest.mark.parametrize("text", ["import tasks.pricing", "def f():\n    from tasks.pricing import rules\n"])
def test_an_import_that_a_version_cannot_carry_is_refused(text: str) -> None:
    with pytest.raises(
        CodeError, match=r"imports tasks\.pricing in line \d: write `from module import name`"
    ):
        rewritten(text, "p")


def test_other_code_has_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = served_code.served_code("pricing_policy")
    monkeypatch.setattr(Path, "read_text", lambda self, **_: self.read_bytes().decode() + "\n# changed\n")
    after = served_code.served_code.__wrapped__("pricing_policy")
    assert after.package != before.package
    assert after.package[:-12] == before.package[:-12]


# --- inside and outside ---


def test_inside_the_project_a_version_runs_its_own_code(registered: tuple[Settings, str]) -> None:
    settings, _ = registered
    path = list(sys.path)
    model = loaded(settings)
    package = served_code.served_code("pricing_policy").package
    assert type(model).__module__ == f"{package}.tasks.served.policy"
    assert type(model.policy).__module__ == f"{package}.tasks.pricing.recommend"
    assert not isinstance(model.policy, PolicyModel), "the loaded modules of this project did not win"
    assert sys.path == path, "the folder of a version does not stay on the path"


def test_commands_work_with_a_version_that_runs_its_own_code(
    registered: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, _ = registered
    listed = recommend.fn(settings, Order(out=str(tmp_path / "list.csv"), version=1), ShopTables(), None)
    assert (listed["products"], listed["status"]) == (6, "DRAFT")
    written = pd.read_csv(tmp_path / "list.csv", skiprows=0)
    assert len(written) >= 6
    explained = explain_price(settings, Question(product="p1", version=1), ShopTables())
    assert sum(row["chosen"] for row in explained["ladder"]) == 1


def test_outside_the_project_a_version_gives_the_same_answers(
    registered: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, uri = registered
    rows = in_force(dated_policy())
    requests = [rows, rows.head(1), rows.assign(product_id="nobody's").head(1)]
    sent = json.dumps([request.to_dict("list") for request in requests])
    answers = json.loads(outside(ANSWER, uri, sent, folder=tmp_path))
    model = loaded(settings)
    assert answers == [model.predict(None, request).to_dict("records") for request in requests]


def test_two_versions_of_other_code_live_side_by_side(
    registered: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, uri = registered
    code = served_code.served_code("pricing_policy")
    other = tmp_path / "other"
    package = code.package.replace("repricer_served", "repricer_other")
    for file in Path(uri.removeprefix("file://")).rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            relative = file.relative_to(uri.removeprefix("file://")).as_posix().replace(code.package, package)
            (other / relative).parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            if file.suffix == ".py":
                content = content.replace(code.package.encode(), package.encode())
                content = content.replace(b"the policy moves the price", b"moved by other code")
            (other / relative).write_bytes(content)
    (other / "artifacts" / "golden.json").write_text('{"spec": {}, "vectors": []}', encoding="utf-8")
    import mlflow

    rows = in_force(dated_policy())
    with served_code.path_kept():
        changed = mlflow.pyfunc.load_model(str(other)).predict(rows)
    model = loaded(settings)
    assert changed["reason"].str.startswith("moved by other code").any()
    assert model.predict(None, rows)["reason"].str.startswith("the policy moves the price").any()


def test_two_versions_of_other_code_in_packages_of_one_name_share_no_module(
    registered: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, uri = registered
    other = tmp_path / "other"
    shutil.copytree(uri.removeprefix("file://"), other, ignore=shutil.ignore_patterns("*.pyc"))
    for file in other.rglob("*.py"):
        content = file.read_bytes()
        file.write_bytes(content.replace(b"the policy moves the price", b"moved by other code"))
    (other / "artifacts" / "golden.json").write_text('{"spec": {}, "vectors": []}', encoding="utf-8")
    rows = in_force(dated_policy())
    first = loaded(settings)
    changed = load_folder(other).predict(rows)
    again = loaded(settings)
    assert changed["reason"].str.startswith("moved by other code").any()
    for model in (first, again):
        assert model.predict(None, rows)["reason"].str.startswith("the policy moves the price").any()
