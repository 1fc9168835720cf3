"""What a custom price names of the terms of its model. Pure."""

from typing import Any, Self, get_args

from pydantic import Field, model_validator

from allowance.contract.fields import Body, Moment, Name
from allowance.prices.book import Provider
from allowance.prices.terms import RATES, Price, PriceTerms, Terms, Tier, Tiers, UnitPrice, Variant
from allowance.prices.units import OTHER_UNITS, OtherUnit

TIERS = "tiers"


class NamedPrices(Body):
    """The prices that a custom price names, and from when on they apply."""

    provider: Provider
    model: Name
    effective_from: Moment | None = None
    input_price: Price = None
    output_price: Price = None
    cache_read_price: Price = None
    cache_write_price: Price = None
    cache_write_1h_price: Price = None
    unit_prices: dict[OtherUnit, UnitPrice | None] = Field(
        default_factory=dict[OtherUnit, UnitPrice | None]
    )
    tiers: Tiers = Field(default_factory=list[Tier])
    variants: dict[Variant, Terms | None] = Field(default_factory=dict[Variant, Terms | None])

    @property
    def named(self) -> list[str]:
        """Return the rates and tiers that the entry names, sorted."""
        return sorted(self.model_fields_set.intersection((*RATES, TIERS)))

    @property
    def stated(self) -> PriceTerms:
        """Return the prices that the entry states, without what it takes away."""
        given: dict[str, Any] = {rate: getattr(self, rate) for rate in RATES}
        units = {unit: price for unit, price in self.unit_prices.items() if price is not None}
        variants = {name: terms for name, terms in self.variants.items() if terms is not None}
        return PriceTerms.model_validate(
            given | {"unit_prices": units, "tiers": self.tiers, "variants": variants}
        )

    @property
    def whole(self) -> Self:
        """Return the entry. If it declares its model free, whatever it does not name costs 0: the
        other classes, all units and variants, and larger requests.
        """
        if not self._is_free:
            return self
        rates = {rate: 0 for rate in RATES if rate not in self.model_fields_set}
        free = Terms(**dict.fromkeys(RATES, 0), unit_prices=dict.fromkeys(OTHER_UNITS, 0))
        every_variant: dict[Variant, Terms | None] = dict.fromkeys(get_args(Variant), free)
        taken_away = {name: None for name, terms in self.variants.items() if terms is None}
        return self.model_copy(
            update=rates
            | {
                "unit_prices": dict.fromkeys(OTHER_UNITS, 0) | self.unit_prices,
                "tiers": [],
                "variants": every_variant | taken_away,
            }
        )

    @property
    def _is_free(self) -> bool:
        """Whether input and output cost 0, and nothing that is stated costs more."""
        if self.input_price is None or self.output_price is None:
            return False
        stated = self.stated
        every = (stated, *stated.tiers, *stated.variants.values())
        larger = (tier for terms in stated.variants.values() for tier in terms.tiers)
        return not any(
            price
            for each in (*every, *larger)
            for price in (*each.prices, *each.unit_prices.values())
        )

    @model_validator(mode="after")
    def _one_price_at_least(self) -> Self:
        prices = (getattr(self, rate) for rate in RATES)
        parts = (*prices, *self.unit_prices.values(), *self.variants.values())
        if not self.tiers and all(each is None for each in parts):
            raise ValueError(
                "at least one price must be set beside nulls (input_price 0 with output_price 0"
                " declares a model free)"
            )
        return self
