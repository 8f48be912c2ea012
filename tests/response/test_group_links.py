"""Links between groups: found where they are strong, and not made up where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from conf import Settings
from expectations.columns import CATEGORY
from tasks.bench.cases.shop_kinds import DEPARTMENT_GROUPS
from tasks.bench.cases.true_shops import true_shop
from tasks.response.elasticities import panel_response
from tasks.response.group_links import Kappas, links_of
from tasks.response.group_response import GroupResponse, group_response
from tasks.response.identification import Identification

PAIRS, BLOCKS = 120, 8
OTHER = f"other_{CATEGORY}"


def kappas(estimate: np.ndarray, seed: int = 0) -> Kappas:
    """Return estimates whose standard error is about 0.3, by blocks that scatter so."""
    rng = np.random.default_rng(seed)
    without = estimate[:, None] + 0.3 / np.sqrt(BLOCKS - 1) * rng.normal(size=(len(estimate), BLOCKS))
    pair = np.column_stack(np.triu_indices(16, 1))[: len(estimate)]
    return Kappas(pair, np.full((len(estimate), 2), 0.5), estimate, without, np.zeros(len(estimate)))


@pytest.mark.parametrize("kappa", [2.5, -2.5])
def test_one_strong_link_among_many_pairs_is_found_whether_substitutes_or_complements(kappa: float) -> None:
    noise = 0.3 * np.random.default_rng(1).normal(size=PAIRS)
    noise[17] = kappa
    links = links_of(kappas(noise), 400, np.random.default_rng(2))
    assert links.pair[links.probability > 0.9].tolist() == [[1, 4]]
    found = links.probability.argmax()
    assert links.kappa[:, found].mean() == pytest.approx(kappa, abs=0.5), "shrunk a little"
    assert links.cross[:, found] == pytest.approx(links.kappa[:, found] / 2), "by the shares of both"


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_of_many_estimates_without_a_link_is_none(seed: int) -> None:
    noise = 0.3 * np.random.default_rng(seed).normal(size=PAIRS)
    links = links_of(kappas(noise, seed), 50, np.random.default_rng(seed))
    assert (links.probability < 0.5).all(), "each is more likely no link"
    assert links.probability.sum() < 1.5, "links expected in all 120 pairs"


def test_directions_that_disagree_are_no_link() -> None:
    noise = 0.3 * np.random.default_rng(1).normal(size=PAIRS)
    noise[17] = 2.5
    apart = np.zeros(PAIRS)
    apart[17] = 6.0
    links = links_of(kappas(noise)._replace(apart=apart), 50, np.random.default_rng(2))
    assert (links.probability < 0.5).all()


def test_a_doubtful_link_is_left_out_of_as_many_draws_as_it_is_doubtful() -> None:
    noise = 0.3 * np.random.default_rng(3).normal(size=PAIRS)
    noise[5] = 1.25
    links = links_of(kappas(noise, 3), 4000, np.random.default_rng(0))
    found = links.probability.argmax()
    assert links.pair[found].tolist() == [0, 6]
    assert (links.kappa[:, found] != 0).mean() == pytest.approx(links.probability[found], abs=0.04)
    assert 0.5 < links.probability[found] < 0.999


def response_of(kind: str, seed: int) -> GroupResponse:
    shop = true_shop(kind, seed)
    identification = Identification(**Settings(profile="closed_loop").respond.model_dump())
    response = panel_response(shop.history, "D", identification)
    return group_response(shop.history, "D", identification, response, seed=seed, bounded=response.weeks)


def test_a_year_of_departments_shows_a_strong_link_of_theirs_and_no_other() -> None:
    response = response_of("departments_cost", 2)
    likely = response.links[response.links["probability"] > 0.5]
    number = {column: likely[column].str[1:].astype(int) // DEPARTMENT_GROUPS for column in (CATEGORY, OTHER)}
    assert len(likely) >= 1
    assert (number[CATEGORY] == number[OTHER]).all(), "they are of one department"
    assert (likely["cross"] > 0).all(), "substitutes"


def test_a_shop_whose_groups_do_not_touch_each_other_shows_no_link() -> None:
    response = response_of("nested_cost", 1)
    assert (response.links["probability"] < 0.5).all()
    assert response.figures["group_links"] < 1.0, "links expected in all"
