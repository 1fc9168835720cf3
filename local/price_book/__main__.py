"""Write the price book, the match rules and the table of the page, and print a summary; or list
omissions or disputes.
"""

import json
import sys

from allowance.prices.match_rules import RULES_FILE
from local.price_book import BOOK_FILE, PAGE_FILE, PriceBookRefused
from local.price_book.book import render
from local.price_book.coverage import with_table
from local.price_book.pinned import pinned, pinned_match_rules
from local.price_book.report import disputes, left_out, summary


def main(what: str) -> None:
    """Run `write`, `left-out` or `disputes`. Raise PriceBookRefused."""
    made, merged, _ = pinned()
    if what == "left-out":
        print(left_out(merged))
    elif what == "disputes":
        print(disputes(made))
    else:
        before = BOOK_FILE.read_text() if BOOK_FILE.exists() else '{"prices": []}'
        page = with_table(PAGE_FILE.read_text(), made)
        BOOK_FILE.write_text(render(made))
        RULES_FILE.write_text(pinned_match_rules())
        PAGE_FILE.write_text(page)
        print(summary(made, merged, json.loads(before)["prices"]))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:2] or ["write"])
    except PriceBookRefused as refused:
        sys.exit(f"price-book: {refused}")
