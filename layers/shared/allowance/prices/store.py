"""Model prices for the routes. A caller without the permission gets Forbidden: the existence of
prices is no secret.
"""

from collections.abc import Sequence

from allowance.access.store import CallerStore
from allowance.contract.pages import fitting
from allowance.errors import InvalidQuery, Problem
from allowance.prices.models import (
    CandidatePrice,
    CoderModelPrice,
    ConsideredName,
    ModelPriceFilter,
    ModelPricePage,
    ModelPriceQuery,
    ModelPriceVersion,
    PriceCursor,
    Resolution,
    ResolveQuery,
)
from allowance.prices.names import candidates, is_platform_of
from allowance.prices.terms import on_another_platform
from allowance.rbac.policy import PRICE_BOOK, Action


class PriceBookStore(CallerStore):
    """A store for routes that need an action on the price book. The check comes before the body is
    read.
    """

    route_object = PRICE_BOOK


class ModelPriceStore(PriceBookStore):
    """The price book for one caller. Raise Forbidden unless the caller may act on it."""

    def list_prices(self, query: ModelPriceQuery) -> ModelPricePage:
        """Return a page of the prices at a time, sorted by provider, model and source."""
        after = query.after
        found = self._gate.open(Action.READ, PRICE_BOOK).many(
            ModelPriceVersion,
            "list_model_prices",
            provider=query.provider,
            model=query.model,
            sources=query.sources,
            at=query.at,
            after_provider=after and after.provider,
            after_model=after and after.model,
            after_source=after and after.source,
            limit=query.limit + 1,
        )
        page = fitting(found, query.limit)
        if len(found) == len(page):
            return ModelPricePage(prices=page, next=None)
        last = page[-1]
        return ModelPricePage(
            prices=page,
            next=str(PriceCursor(provider=last.provider, model=last.model, source=last.source)),
        )

    def list_all_prices(self, query: ModelPriceFilter) -> list[CoderModelPrice]:
        """Return all prices at a time, sorted by provider, model and source.

        Raise InvalidQuery if they exceed a response.
        """
        found = self._gate.open(Action.READ, PRICE_BOOK).many(
            CoderModelPrice,
            "list_model_prices_of_coder",
            provider=query.provider,
            model=query.model,
            sources=query.sources,
            at=query.at,
            after_provider=None,
            after_model=None,
            after_source=None,
            limit=None,
        )
        if len(fitting(found, len(found))) < len(found):
            raise InvalidQuery(
                [
                    Problem(
                        "provider",
                        f"All {len(found)} prices exceed the 6 MB of a response. Name a provider,"
                        " or read /api/v2/ai/model-prices, which has pages.",
                    )
                ]
            )
        return found

    def resolve(self, query: ResolveQuery) -> Resolution:
        """Return the price that applies to a model as sent, and every candidate name."""
        db = self._gate.open(Action.READ, PRICE_BOOK)
        names = candidates(query.provider, query.model)
        found = db.many(
            CandidatePrice,
            "resolve_model_price",
            provider=query.provider,
            model=query.model,
            providers=[each.provider for each in names],
            models=[each.model for each in names],
            rules=[each.rule for each in names],
            are_sellers=[each.is_sellers for each in names],
            at=query.at,
        )
        best = _applied(found)
        considered: dict[tuple[str, str], CandidatePrice] = {}
        for each in (each for each in found if each.alias is None):
            # Two names that differ only in case find the same row.
            considered.setdefault((each.provider, each.model), each)
        return Resolution(
            provider=query.provider,
            model=query.model,
            via=best and ("name" if best.alias is None else "alias"),
            rule=best and best.rule,
            alias=best and best.alias,
            price=best and _as_sold(query, best),
            considered=[
                ConsideredName(
                    provider=each.provider,
                    model=each.model,
                    rule=each.rule,
                    priced=each.price is not None,
                )
                for each in considered.values()
            ],
        )


def _applied(found: Sequence[CandidatePrice]) -> CandidatePrice | None:
    """Return the candidate whose price applies: the first of the seller with a custom price, the
    alias of the name, the first with a price, the alias of a pattern. An alias applies without a
    price too.
    """
    alias = next((each for each in found if each.alias is not None), None)
    priced = [each for each in found if each.price is not None and each.alias is None]
    custom = next((each for each in priced if each.is_sellers and _is_custom(each)), None)
    if custom is not None:
        return custom
    return alias if alias is not None and not alias.is_pattern else next(iter(priced), alias)


def _as_sold(query: ResolveQuery, best: CandidatePrice) -> ModelPriceVersion | None:
    """Return the price as the platform in the name charges it, like recording."""
    if best.price is None or not is_platform_of(query.provider, query.model, best.provider):
        return best.price
    return on_another_platform(best.price)


def _is_custom(candidate: CandidatePrice) -> bool:
    return candidate.price is not None and candidate.price.source == "custom"
