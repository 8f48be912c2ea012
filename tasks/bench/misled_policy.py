"""A registered policy whose belief about the elasticities is wrong for all products alike.

The error is put into the posterior draws of the stored market, after the retraining: the sales tables are
those of the shop, the policy's network is the one that was trained, and only its belief is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from conf import Settings
from tasks.governance.champion import HEAD
from tasks.runtime import champion_store, track, verified_models

DRAWS = "policy_draws.npz"  # of a policy's market, in the attempt's folder and with the registered version
WITHIN = "within"  # array in it: slopes within the groups, above 0 (draws, groups)
LEAST_SLOPE = 0.2  # below it, products would hardly answer their prices


def mislead_stored(settings: Settings, error: float, seed: int) -> None:
    """Shift the draws of every policy that is stored in a data folder, and register their files anew.

    Args:
        settings: of the retraining, which name the data folder. It must be that of a single shop.
        error: added to all slopes within groups (1).
        seed: of the doubt that the belief keeps.

    Raises:
        FileNotFoundError: no draws of a policy are stored there.
    """
    stored = sorted(Path(settings.data_folder).rglob(DRAWS))
    if not stored:
        raise FileNotFoundError(
            f"{settings.data_folder}: there is no {DRAWS} below it. The experiment needs a policy whose "
            "belief about its market is stored; retrain first."
        )
    for path in stored:
        with np.load(path, allow_pickle=False) as file:
            draws = {name: file[name] for name in file.files}
        shifted = shifted_draws(draws, error, np.random.default_rng(seed))
        np.savez(path, **shifted)  # type: ignore[arg-type]
    track.open_store(settings)
    for version in champion_store.forget_manifests(settings, HEAD):
        verified_models.seal(settings, {HEAD: version})


def shifted_draws(
    draws: Mapping[str, np.ndarray], error: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return draws whose slopes within groups are off by an error that all groups share.

    The shared part of the doubt is as large as the error: a normal of that standard deviation is added to all
    slopes of a draw. A belief that excludes its own error could learn nothing, whatever it sees.

    Args:
        draws: ``within`` (draws, groups) and whatever else belongs to the belief, which stays.
        error: added to the slopes (1).
        rng: source of the doubt.
    """
    within = draws[WITHIN]
    doubt = abs(error) * rng.standard_normal(len(within))
    doubt -= doubt.mean()  # so that the error is the one that was named
    return {**draws, WITHIN: np.maximum(within + error + doubt[:, None], LEAST_SLOPE)}
