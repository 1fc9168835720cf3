"""Who sells the model that a name means, by the provider and the parts of the name. Pure."""

from allowance.prices.name_tables import GATEWAYS, OWN_PLATFORMS, PROVIDERS


def huggingface_host(name: str) -> tuple[str, str] | None:
    """Return the name without the host that its first part or its suffix states, and the seller."""
    first, _, rest = name.partition("/")
    model, _, last = name.rpartition(":")
    for host, bare in ((first, rest), (last, model)):
        if bare and (seller := PROVIDERS.get(f"huggingface-{host}")):
            return bare, seller
    return None


def platform_of(provider: str, model: str) -> str | None:
    """Return the platform that the provider, or the prefix after a gateway's name, stands for."""
    sent, rest = provider.lower().replace("_", "-"), model.lower()
    while sent in GATEWAYS and "/" in rest:
        sent, rest = rest.split("/", 1)
        sent = sent.replace("_", "-")
    return OWN_PLATFORMS.get(sent)


def seller_of(provider: str) -> str:
    """Return the price book's name of a provider in lower case; its own name if it has no other."""
    hyphened = provider.replace("_", "-")
    return PROVIDERS.get(hyphened, hyphened if hyphened in GATEWAYS else provider)
