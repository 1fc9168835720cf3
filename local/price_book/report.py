"""The report for a reviewer: changes, agreement of the sources, and omissions."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from allowance.prices.terms import RATES
from local.price_book.book import Book, Entry
from local.price_book.merge import Merged
from local.price_book.present import applied, in_force, to_come

CHANGES_SHOWN = 20
ABOUT = ("provider", "model")


def changes(
    before: Sequence[Entry], after: Sequence[Entry]
) -> tuple[list[str], list[str], list[str]]:
    """Return the added entries, the removed entries, and the field changes of the others, as text
    for a reviewer.
    """
    old, new = ({_title(row): row for row in rows} for rows in (before, after))
    changed = [
        f"{name} {field} {json.dumps(old[name].get(field))} -> {json.dumps(row.get(field))}"
        for name, row in new.items()
        if name in old
        for field in dict.fromkeys((*RATES, *row, *old[name]))
        if field not in ABOUT and old[name].get(field) != row.get(field)
    ]
    return (
        [name for name in new if name not in old],
        [name for name in old if name not in new],
        changed,
    )


def summary(made: Book, merged: Merged, before: Sequence[Entry]) -> str:
    """Return the counts and the first changes."""
    unpriced = Counter(merged.left_out.values())
    lines = [
        f"{made['source']}: {made['version']} of {made['date']}",
        f"models written {len(merged.models)} in {len(made['prices'])} entries, left out "
        f"{unpriced.total()}; "
        f"prices rounded {len(made['roundings'])}",
        *(f"  left out, {reason}: {count}" for reason, count in sorted(unpriced.items())),
        *(f"  {name}: {count}" for name, count in agreement(merged).items()),
        *(
            f"  differ by a known rule, {name}: {count}"
            for name, count in sorted(ruled(merged).items())
        ),
        *(f"  priced, {name}: {count}" for name, count in covered(made).items()),
    ]
    added, removed, changed = changes(before, made["prices"])
    lines += [f"entries added {len(added)}, removed {len(removed)}; fields changed {len(changed)}"]
    lines += [f"  {change}" for change in changed[:CHANGES_SHOWN]]
    return "\n".join(
        lines + [f"  ... and {len(changed) - CHANGES_SHOWN} more"] * (len(changed) > CHANGES_SHOWN)
    )


def agreement(merged: Merged) -> Mapping[str, int]:
    """Return how many models two sources agree on, one alone prices, or are in dispute."""
    models = merged.models.values()
    return {
        "sources agree": sum(len(each.sources) > 1 for each in models),
        "one source": sum(len(each.sources) == 1 and each.held is None for each in models),
        "in dispute": sum(each.held is not None for each in models),
    }


def ruled(merged: Merged) -> Counter[str]:
    """Return the number of models that differ, by rule."""
    return Counter(rule for each in merged.models.values() for rule in each.rules)


def covered(made: Book) -> Counter[str]:
    """Return the number of models with a current price of each class, tiers and variants, with a
    past price, and with a future change.
    """
    counts = Counter(
        name
        for row in in_force(made)
        for name in (*RATES, "tiers", *(f"variant {each}" for each in row.get("variants", ())))
        if row.get(name) is not None or name.startswith("variant ")
    )
    counts.update(units(made))
    counts["change to come"] = len(to_come(made))
    counts["past price"] = len(applied(made["prices"])) - len(in_force(made)) - len(to_come(made))
    return counts


def units(made: Book) -> Counter[str]:
    """Return the number of models with a current price of each other unit."""
    return Counter(unit for row in in_force(made) for unit in row.get("unit_prices", ()))


def left_out(merged: Merged) -> str:
    """Return every omitted model with the reason, one a line."""
    return "\n".join(
        f"{reason}\t{'/'.join(key)}"
        for key, reason in sorted(merged.left_out.items(), key=lambda each: each[::-1])
    )


def disputes(made: Book) -> str:
    """Return every disputed model with its differences, one a line."""
    return "\n".join(
        f"{row['provider']}/{row['model']}\t{row['held']['reason']}"
        for row in made["prices"]
        if "held" in row
    )


def _title(row: Entry) -> str:
    dated = f" from {row['effective_from']}" if "effective_from" in row else ""
    return f"{row['provider']}/{row['model']}{dated}{' (held)' if 'held' in row else ''}"
