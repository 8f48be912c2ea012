"""Tables that a user names are read with their ids as text, or named when they are not there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tasks.tables import TableError, table_at


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_ids_stay_text(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"product_id": ["007"], "store_id": ["01"], "price": [2.0]})
    table.to_csv(tmp_path / name, index=False) if name.endswith("csv") else table.to_parquet(tmp_path / name)
    assert table_at(tmp_path / name, "--prices").iloc[0].tolist() == ["007", "01", 2.0]


def test_a_table_that_is_not_there_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"gone.csv: there is no such file. Give a CSV or Parquet table with `--prices`."):
        table_at(tmp_path / "gone.csv", "--prices")
