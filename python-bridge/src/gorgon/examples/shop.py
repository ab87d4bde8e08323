"""An exception of one's own, for callers that want one of theirs."""

from __future__ import annotations

_STOCK = {"tea": 3}


class OutOfStock(LookupError):
    """There is less than was asked for."""


def sell(item: str, count: int) -> int:
    """What is left of the stock when so many are sold."""
    left = _STOCK.get(item, 0) - count
    if left < 0:
        raise OutOfStock(f"{-left} {item} too few")
    return left
