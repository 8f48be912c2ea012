"""The options that lead another command to the same runs and models."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from conf import Settings, load

PASSWORD = re.compile(r"(?<=//)([^:/@\s]*):[^@/\s]*@")


def same_store(settings: Settings) -> str:
    """Return the options, with a blank before each, that a command needs to find what these settings lead to.

    They are those in which the settings differ from the defaults, quoted for a shell. A password in the URI
    of a store is replaced by `***`.
    """
    of_profile = load(settings.profile)
    options = [] if settings.profile == "default" else ["--profile", settings.profile]
    if settings.data_folder != of_profile.data_folder:
        options += ["--set", f"data_folder={settings.data_folder}"]
    if settings.track.uri != of_profile.track.uri:
        uri = PASSWORD.sub(r"\1:***@", settings.track.uri or "null")
        options += ["--set", f"track.uri={uri}"]
    return "".join(f" {shlex.quote(option)}" for option in options)


def require_store(settings: Settings) -> None:
    """Refuse a data folder in which nothing was ever trained, before a command makes an empty store there.

    Raises:
        FileNotFoundError: the store would be a file of the data folder, and is not there.
    """
    folder = Path(settings.data_folder).resolve()
    if settings.track.uri or (folder / "mlflow.db").is_file():
        return
    stores = sorted(path.parent.name for path in folder.parent.glob("*/mlflow.db"))
    beside = f" Beside it: {', '.join(stores)}." if stores else ""
    raise FileNotFoundError(
        f"{folder}: there are no runs or models; nothing was ever trained there.{beside} "
        "Name the folder with --set data_folder=PATH or its --profile, "
        f"or train with `repricer retrain{same_store(settings)}`"
    )
