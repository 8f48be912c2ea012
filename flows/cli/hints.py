"""The options that lead another command to the same runs and models."""

from __future__ import annotations

import shlex
from pathlib import Path

from conf import Settings, load


def same_store(settings: Settings) -> str:
    """Return the options, with a blank before each, that a command needs to find what these settings lead to.

    They are those in which the settings differ from the defaults, quoted for a shell.
    """
    of_profile = load(settings.profile)
    options = [] if settings.profile == "default" else ["--profile", settings.profile]
    if settings.data_folder != of_profile.data_folder:
        options += ["--set", f"data_folder={settings.data_folder}"]
    if settings.track.uri != of_profile.track.uri:
        options += ["--set", f"track.uri={settings.track.uri or 'null'}"]
    return "".join(f" {shlex.quote(option)}" for option in options)


def require_store(settings: Settings) -> None:
    """Refuse a data folder in which nothing was ever trained, before a command makes an empty store there.

    Raises:
        FileNotFoundError: the store would be a file of the data folder, and is not there.
    """
    folder = Path(settings.data_folder).resolve()
    if settings.track.address() or (folder / "mlflow.db").is_file():
        return
    stores = sorted(path.parent.name for path in folder.parent.glob("*/mlflow.db"))
    beside = f" Beside it: {', '.join(stores)}." if stores else ""
    raise FileNotFoundError(
        f"{folder}: there are no runs or models; nothing was ever trained there.{beside} "
        "Name the folder with --set data_folder=PATH or its --profile, "
        f"or train with `repricer retrain{same_store(settings)}`"
    )
