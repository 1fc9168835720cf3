"""Shapes of aliases of models: bodies, responses and queries. Pure."""

from collections.abc import Iterator
from typing import Annotated, Self, override

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from allowance.contract.fields import Body, Name, Row, Timestamp, Versioned, example
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.contract.validation import problems_of
from allowance.errors import Problem, ValidationFailed

PATTERN_MARK = "*"
"""Matches any rest of a name, an empty one too."""

_NAME: TypeAdapter[str] = TypeAdapter(Name)


class AliasTarget(Row):
    """A row of the price list."""

    provider: str
    model: str


class AppliedAlias(Row):
    """An alias of a name, or of a pattern of names. `target` is null if it is `free`: usage costs
    nothing then.
    """

    provider: str
    model: str
    target: AliasTarget | None
    free: bool


class ModelAlias(Versioned, AppliedAlias):
    """An alias, with its version."""

    created_at: Timestamp
    updated_at: Timestamp


class ModelAliasPage(Row):
    """A page of aliases, sorted by provider and model.

    `next` is the `after` of the next page, null on the last.
    """

    aliases: list[ModelAlias]
    next: str | None


class AliasMeaning(Body):
    """The body of PUT: the model that the name means, or `free`."""

    model_config = example({"provider": "openai", "model": "gpt-5"})

    provider: Annotated[
        Name | None, Field(description="The provider of the model that the name means.")
    ] = None
    model: Annotated[
        Name | None,
        Field(description="The model that the name means. It must have a price now."),
    ] = None
    free: Annotated[
        bool, Field(description="Usage of the name costs nothing. Needs `confirm`.")
    ] = False
    confirm: Annotated[
        bool,
        Field(description="Needed for `free`, and for an alias of a name that has a price."),
    ] = False

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        named = self.provider is not None and self.model is not None
        if named == self.free or (self.provider is None) != (self.model is None):
            raise ValueError("must have provider and model, or free: true, and not both")
        return self

    @override
    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Return the problems. Of a body without a meaning, also show what is taken."""
        has_none = any(not each["loc"] for each in error.errors())
        detail = cls.wanted() if has_none else None
        return ValidationFailed(problems_of(error, cls), detail=detail)


class AliasOutcome(Row):
    """What a PUT did: the alias as it is now, or null and what forbids it.

    Names are `provider/model`. `target_alias` is an alias that the target is, `led_here` one whose
    target this name is, and `replaces` the row that prices the name without the alias. The alias
    `gives_way` to a custom price.
    """

    alias: ModelAlias | None
    is_priced: bool
    is_circular: bool
    target_alias: str | None
    led_here: str | None
    replaces: str | None
    gives_way: bool


class RemovedAlias(Row):
    """Whether an alias was removed."""

    removed: bool


class AliasCursor(Cursor):
    """The last alias of a page."""

    provider: Printable
    model: Printable


class ModelAliasQuery(Query):
    """Selects a page of aliases."""

    provider: Annotated[Name | None, Field(description="Aliases of this provider's names.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Aliases per page."), WHOLE_NUMBER] = 100
    after: Annotated[AliasCursor | None, AFTER] = None


def name_problems(provider: str, model: str) -> Iterator[Problem]:
    """Yield what is wrong with the name of an alias in a path."""
    for field, value in (("path.provider", provider), ("path.model", model)):
        try:
            _NAME.validate_python(value)
        except ValidationError as error:
            yield from (Problem(field, each.detail) for each in problems_of(error))
    if PATTERN_MARK in provider:
        yield Problem("path.provider", "Must have no *: a pattern is of one provider.")
    if PATTERN_MARK in model[:-1]:
        yield Problem("path.model", "Must have * at its end only.")


def refusals(outcome: AliasOutcome, meaning: AliasMeaning) -> Iterator[Problem]:
    """Yield why a PUT wrote nothing, by the body; nothing if only its precondition forbade it."""
    target = f"{meaning.provider}/{meaning.model}"
    if not outcome.is_priced:
        yield Problem("model", f"{target} has no price.")
    if outcome.is_circular:
        yield Problem("model", "Must not be the name of the alias itself.")
    elif outcome.target_alias is not None:
        yield Problem(
            "model", f"{outcome.target_alias} is an alias itself. Name the model that it means."
        )
    if outcome.led_here is not None and not outcome.is_circular:
        yield Problem("path.model", f"The alias {outcome.led_here} leads to this name.")
    if meaning.confirm:
        return
    if meaning.free:
        yield Problem("confirm", "Must be true: usage of this name will cost nothing.")
    elif outcome.gives_way:
        yield Problem(
            "confirm",
            f"Must be true: the custom price of {outcome.replaces} comes before this alias.",
        )
    elif outcome.replaces is not None:
        yield Problem("confirm", f"Must be true: {outcome.replaces} is a price for this name.")
