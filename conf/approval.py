"""Settings of `approval`: who may make a version champion."""

from __future__ import annotations

from conf.section import Section


class Approval(Section):
    """What a promotion needs besides a name and a reason."""

    two_persons: bool
    """Refuse an approver who is the account that ran the retraining, by the run's `mlflow.user`."""
