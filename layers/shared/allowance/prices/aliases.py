"""Aliases of models: owners say which model a name means, or that it costs nothing.

An alias has no time of its own. The present one applies to usage of any time, and RerateUsage
brings recorded usage to it.
"""

from allowance.contract.pages import fitting
from allowance.contract.preconditions import Precondition
from allowance.database.queries import call
from allowance.errors import AliasNotFound, ChangedMeanwhile, ValidationFailed
from allowance.prices.alias_models import (
    PATTERN_MARK,
    AliasCursor,
    AliasMeaning,
    AliasOutcome,
    ModelAlias,
    ModelAliasPage,
    ModelAliasQuery,
    RemovedAlias,
    name_problems,
    refusals,
)
from allowance.prices.models import LockedBook
from allowance.prices.names import candidates
from allowance.prices.store import PriceBookStore
from allowance.rbac.policy import PRICE_BOOK, Action


class ModelAliasStore(PriceBookStore):
    """Aliases, as one caller may read and change them. Raise Forbidden for other callers."""

    def list_aliases(self, query: ModelAliasQuery) -> ModelAliasPage:
        """Return a page of the aliases."""
        after = query.after
        found = self._gate.open(Action.READ, PRICE_BOOK).many(
            ModelAlias,
            "list_model_aliases",
            provider=query.provider,
            after_provider=after and after.provider,
            after_model=after and after.model,
            limit=query.limit + 1,
        )
        page = fitting(found, query.limit)
        if len(found) == len(page):
            return ModelAliasPage(aliases=page, next=None)
        last = page[-1]
        return ModelAliasPage(
            aliases=page, next=str(AliasCursor(provider=last.provider, model=last.model))
        )

    def set_alias(
        self, provider: str, model: str, meaning: AliasMeaning, precondition: Precondition
    ) -> ModelAlias:
        """Create or replace the alias of a name, with its audit entry, and return it.

        The target is stored as the row of the price list that its name leads to now. Raise
        ValidationFailed with everything that forbids the alias, and ChangedMeanwhile.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        if wrong := list(name_problems(provider, model)):
            raise ValidationFailed(wrong)
        # A pattern replaces no price: the price list comes before it.
        named = () if model.endswith(PATTERN_MARK) else candidates(provider, model)
        targets = (
            ()
            if meaning.provider is None or meaning.model is None
            else candidates(meaning.provider, meaning.model)
        )
        _, outcome = db.in_one_trip(
            call(LockedBook, "lock_price_book"),
            call(
                AliasOutcome,
                "set_model_alias",
                provider=provider,
                model=model,
                target_provider=meaning.provider,
                target_model=meaning.model,
                free=meaning.free,
                confirm=meaning.confirm,
                of_target=[*(False for _ in named), *(True for _ in targets)],
                providers=[each.provider for each in (*named, *targets)],
                models=[each.model for each in (*named, *targets)],
                are_sellers=[each.is_sellers for each in (*named, *targets)],
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if outcome[0].alias is not None:
            return outcome[0].alias
        if forbidding := list(refusals(outcome[0], meaning)):
            raise ValidationFailed(forbidding)
        raise ChangedMeanwhile

    def remove_alias(self, provider: str, model: str, precondition: Precondition) -> None:
        """Remove the alias of a name, with its audit entry.

        Raise AliasNotFound without one, and ChangedMeanwhile.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        if not (provider + model).isprintable():
            raise AliasNotFound
        _, outcome = db.in_one_trip(
            call(LockedBook, "lock_price_book"),
            call(
                RemovedAlias,
                "remove_model_alias",
                provider=provider,
                model=model,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not outcome:
            raise AliasNotFound
        if not outcome[0].removed:
            raise ChangedMeanwhile
