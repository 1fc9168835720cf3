"""Custom prices: owners set them, and take them back. Raise Forbidden for other callers.

The prices of the book are looked up first: a custom price is laid over one of them, and must not be
far from it unless that is confirmed. The book is locked for the write alone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from allowance.access.handle import Handle
from allowance.contract.fields import rfc3339
from allowance.contract.pages import fitting
from allowance.database.queries import Call, call
from allowance.errors import InvalidModelPrices, PriceNotFound
from allowance.prices.below import prices_below
from allowance.prices.confirmation import far_prices
from allowance.prices.custom_models import (
    AppliedPrice,
    CoderPrices,
    CustomPrices,
    EndedPrices,
    PriceBelow,
    ReplacedPrices,
    SetPrice,
    SetPrices,
    in_dollars,
)
from allowance.prices.models import LockedBook
from allowance.prices.named_terms import NamedPrices
from allowance.prices.names import makers_of
from allowance.prices.store import PriceBookStore
from allowance.prices.terms import RATES
from allowance.rbac.policy import PRICE_BOOK, Action

CONFIRM_ENTRY = 'Send "confirm": true in this entry'
CONFIRM_ALL = "Send ?confirm=true"
TERMS = (*RATES, "unit_prices", "tiers", "variants")


class CustomPriceStore(PriceBookStore):
    """Custom prices, as one caller may change them."""

    def set_prices(self, prices: CustomPrices) -> SetPrices:
        """Store custom prices, all or none, each change with its audit entry. Return what applies.

        Raise InvalidModelPrices for prices that are far from the book's and not confirmed.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        confirmed = [each.confirm for each in prices.prices]
        rows = self._rows(db, prices.prices, confirmed, CONFIRM_ENTRY)
        _, replaced, applied = db.all_in_one_trip(*self._write(rows), _call_of_applied(rows))
        by_place = {each.place: each.replaced for each in replaced}
        made = [_set_price(each, by_place.get(place, [])) for place, each in enumerate(applied)]
        shown = fitting(made, len(made))
        return SetPrices(prices=shown, left_out=len(made) - len(shown))

    def set_prices_of_coder(self, prices: CoderPrices, *, confirm: bool) -> None:
        """Store custom prices like `set_prices`. `confirm` is for all of them."""
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        confirmed = [confirm for _ in prices.prices]
        db.in_one_trip(*self._write(self._rows(db, prices.prices, confirmed, CONFIRM_ALL)))

    def remove_price(self, provider: str, model: str, since: datetime | None) -> None:
        """Take back the custom price of a model, for all time or from a time on. The book's price
        applies again. Raise PriceNotFound without one.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        if not (provider + model).isprintable():
            raise PriceNotFound
        _, outcome = db.in_one_trip(
            call(LockedBook, "lock_price_book"),
            call(
                EndedPrices,
                "remove_custom_price",
                provider=provider,
                model=model,
                since=since,
                **self._origin.parameters,
            ),
        )
        if not outcome[0].changed:
            raise PriceNotFound

    def _rows(
        self,
        db: Handle,
        entries: Sequence[NamedPrices],
        confirmed: Sequence[bool],
        how_to_confirm: str,
    ) -> list[Mapping[str, Any]]:
        """Return the entries as they are stored. Raise InvalidModelPrices."""
        below = prices_below(db, entries)
        problems = [
            problem
            for place, entry in enumerate(entries)
            if not confirmed[place]
            for problem in far_prices(place, entry, below[place], how_to_confirm)
        ]
        if problems:
            raise InvalidModelPrices(problems)
        return [_row(entry.whole, below[place]) for place, entry in enumerate(entries)]

    def _write(
        self, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[Call[LockedBook], Call[ReplacedPrices]]:
        """Return the statements that store the rows."""
        return call(LockedBook, "lock_price_book"), call(
            ReplacedPrices, "set_custom_prices", prices=json.dumps(rows), **self._origin.parameters
        )


def _row(entry: NamedPrices, below: PriceBelow) -> Mapping[str, Any]:
    """Return the entry as it is stored. A row of the book with its own name needs no mention."""
    name = below.spelled_provider, below.spelled_model
    own = (below.base_provider, below.base_model) == name
    return entry.model_dump(mode="json", include={"effective_from", *TERMS}) | {
        "place": below.place,
        "provider": below.spelled_provider,
        "model": below.spelled_model,
        "is_known": below.is_known,
        "named": entry.named,
        "base_provider": None if own else below.base_provider,
        "base_model": None if own else below.base_model,
        "makers": makers_of(*name),
    }


def _call_of_applied(rows: Sequence[Mapping[str, Any]]) -> Call[AppliedPrice]:
    return call(
        AppliedPrice,
        "list_set_prices",
        stated_providers=[each["provider"] for each in rows],
        stated_models=[each["model"] for each in rows],
        effective_froms=[each["effective_from"] for each in rows],
    )


def _set_price(applied: AppliedPrice, replaced: Sequence[datetime | None]) -> SetPrice:
    shown = applied.model_dump(exclude={"stated_from", "ledger_from"})
    return SetPrice.model_validate(
        shown
        | {
            "usd_per_million": _in_dollars({name: shown[name] for name in TERMS}),
            "replaced": replaced,
            "notes": list(_notes(applied)),
        }
    )


def _notes(applied: AppliedPrice) -> list[str]:
    """Return what stays as it was, in words."""
    notes: list[str] = []
    since, ledger = applied.stated_from, applied.ledger_from
    if since is not None and ledger is not None and since < ledger:
        notes.append(
            f"The ledger has every month since {rfc3339(ledger)} only. Usage from before that was"
            " dropped keeps its cost."
        )
    if applied.scheduled:
        times = ", ".join(rfc3339(each) for each in applied.scheduled)
        notes.append(f"What is scheduled stays: custom prices change again at {times}.")
    return notes


def _in_dollars(terms: Any) -> Any:
    """Return the same terms with prices in dollars."""
    match terms:
        case dict():
            return {
                name: each if name == "above_input_tokens" else _in_dollars(each)
                for name, each in cast("dict[str, Any]", terms).items()
            }
        case list():
            return [_in_dollars(each) for each in cast("list[Any]", terms)]
        case None:
            return None
        case _:
            return in_dollars(terms)
