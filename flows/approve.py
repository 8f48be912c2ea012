"""Flow: a person reads a comparison in the Prefect UI and decides on a form."""

from __future__ import annotations

from typing import Any

from prefect import flow

from conf import stored
from flows import approval_form
from flows.compare import show
from tasks.operations.approve import decide
from tasks.operations.compare import compare
from tasks.runtime.owners import owned_run


@flow(name="approve", flow_run_name=approval_form.run_name)
def approve(version: int | None, settings: dict[str, Any]) -> Any:
    """Compare a version with the champion, wait for a person's decision, and do what it says.

    Args:
        version: Version of `pricing_policy` to decide on; None: the candidate.
        settings: Of the shop, as they were deployed. Leave them as they are.
    """
    shop = stored(settings)
    with owned_run(shop.data_folder):
        answer = approval_form.answer()
        if answer is None:
            compared = compare(shop, version)
            show(compared)
            approval_form.wait_for_answer(compared)
        return approval_form.conclusion(decide(shop, answer))
