"""What people call a product: its name where the table has one, else its id."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from expectations.columns import ALL_STORES, NAME, PRODUCT

LONGEST = 34  # characters of a name in a figure
ELLIPSIS = "…"


def product_names(table: pd.DataFrame, longest: int = LONGEST) -> dict[str, str]:
    """Return the name of every product by its id, shortened; the id where there is no name.

    The last name in the table counts. Products of one name carry their id as well.

    Args:
        table: any table with products, in the order of time if names change.
        longest: characters of a name.
    """
    products = table[PRODUCT].astype(str)
    names = dict.fromkeys(products, "")
    if NAME in table:
        written = table[NAME].fillna("").astype(str).str.split().str.join(" ")
        names |= dict(zip(products[written != ""], written[written != ""], strict=True))
    shown = {product: shortened(readable(name), longest) for product, name in names.items()}
    times = pd.Series(shown, dtype=object).str.casefold().value_counts()
    return {
        product: (f"{name} ({product})" if times[name.casefold()] > 1 else name) if name else product
        for product, name in shown.items()
    }


def series_name(names: Mapping[str, str], product: str, store: str) -> str:
    """Return what a product of a store is called; the store is said where there are several."""
    name = names.get(product, product)
    return name if store == ALL_STORES else f"{name}, store {store}"


def readable(name: str) -> str:
    """Return a name in mixed letters where it is written in capitals alone."""
    return name.title() if name.isupper() else name


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text of at most ``longest`` characters, cut with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + ELLIPSIS
