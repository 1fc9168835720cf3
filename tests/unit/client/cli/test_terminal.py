"""What is printed: names of a server change no terminal, and lists are read to their end."""

import json
from itertools import chain
from typing import Any

import pytest

from allowance_client.cli.cells import printable
from allowance_client.cli.progress import progress
from allowance_client.cli.tables import figures, print_table, texts
from tests.command_line import Ran, printing, ran
from tests.scripted_server import Step, http, scripted

TOKEN = "alw_id_SecretOfTheTest"
EVIL = "[red]a\x1b[31m\x9b2J\r\n\tb\u202ec\u2028[/red]"
HARMLESS = r"[red]a\x1b[31m\x9b2J\r\n\tb\u202ec\u2028[/red]"


def aliases(*names: str, following: str | None = None) -> list[Step]:
    """A page of aliases that are free."""
    row: dict[str, Any] = {"provider": "p", "target": None, "free": True, "updated_at": None}
    page = {"aliases": [row | {"model": each} for each in names], "next": following}
    return [http(200, json.dumps(page, ensure_ascii=False).encode())]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person with a token, and a terminal that is wide enough."""
    monkeypatch.setenv("ALLOWANCE_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "100")


def ask(*pages: list[Step], options: str = "", is_terminal: bool = False) -> tuple[Ran, list[str]]:
    """The list of aliases that the command prints, and the paths of its requests."""
    with scripted(*pages) as server:
        words = ["prices", "alias", "--url", server.url, *options.split()]
        printed = ran(*words, is_terminal=is_terminal)
    return printed, [each.split(b" ")[1].decode() for each in server.requests]


def test_any_character_is_visible_and_in_one_line() -> None:
    # Latin to symbols; surrogates; private use; marks of order and tags beyond the first plane.
    planes = (range(0x3000), range(0xD7F0, 0xE010), range(0xFE00, 0x10010), range(0xE0000, 0xE0200))
    for each in map(chr, chain(*planes, (0x10FFFF,))):
        if not each.isprintable():
            assert printable(f"a{each}").isprintable(), ascii(each)
    assert printable("Zoë 東京 [b]") == "Zoë 東京 [b]"


@pytest.mark.usefixtures("known")
def test_a_name_changes_no_terminal_and_no_row() -> None:
    plain, _ = ask(aliases(EVIL, "b"))
    assert plain.rows == [[f"p/{HARMLESS}", "free", ""], ["p/b", "free", ""]]
    drawn, _ = ask(aliases(EVIL), is_terminal=True)
    assert f"p/{HARMLESS}" in drawn.out
    assert "\x1b" not in drawn.out
    document, _ = ask(aliases(EVIL), options="--json")
    assert document.json()["aliases"][0]["model"] == EVIL
    assert document.out.isascii()
    assert "\x1b" not in document.out


@pytest.mark.usefixtures("known")
def test_an_error_of_a_server_changes_no_terminal() -> None:
    body = {"message": EVIL, "validations": [{"field": EVIL, "detail": EVIL}]}
    refused, _ = ask([http(400, json.dumps(body).encode(), x_request_id="r-7")])
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        f"allowance: {HARMLESS} (400)\n  {HARMLESS}: {HARMLESS}\nrequest id: r-7\n"
    )


@pytest.mark.usefixtures("known")
def test_a_list_is_read_to_its_end_or_its_limit() -> None:
    pages = aliases("a", "b", following="x y"), aliases("c", following="z"), aliases("d")
    whole, paths = ask(*pages, options="--json")
    joined = whole.json()
    assert [each["model"] for each in joined["aliases"]] == ["a", "b", "c", "d"]
    assert joined["next"] is None
    assert [each.partition("?")[2] for each in paths] == [
        "limit=1000",
        "limit=1000&after=x+y",
        "limit=1000&after=z",
    ]
    some, paths = ask(*pages, options="--json --limit 3")
    assert [each["model"] for each in some.json()["aliases"]] == ["a", "b", "c"]
    assert some.json()["next"] == "z"
    assert [each.partition("?")[2] for each in paths] == ["limit=3", "limit=1&after=x+y"]


@pytest.mark.usefixtures("known")
def test_a_response_of_another_service_is_named() -> None:
    for body, says in ((b"[]", "is no object"), (b"{}", "has no 'aliases'")):
        other, _ = ask([http(200, body)])
        assert (other.code, other.out) == (1, "")
        assert f"The response {says}. It is not one of Allowance" in other.err
    endless, paths = ask(aliases("a", following="same"))
    assert (endless.code, endless.out, len(paths)) == (1, "", 2)
    assert "The list does not go on." in endless.err


@pytest.mark.usefixtures("known")
def test_usage_beyond_the_label_sets_is_in_no_total() -> None:
    def part(count: int) -> dict[str, Any]:
        point = {"tokens": count, "usage_count": count, "unpriced_usage_count": 0}
        return {"key": "a\tb", "name": None, "total_micros": count, "points": [point, point]}

    series = {"split": "label:k", "series": [part(1)], "rest": part(2), "other_labels": part(4)}
    body = json.dumps(series | {"total_micros": 3}).encode()
    with scripted([http(200, body)]) as server:
        shown = ran("spend", "--by", "label:k", "--url", server.url)
    assert shown.rows == [
        [r"a\tb", "$0.000001", "2", "2", "0"],
        ["(rest)", "$0.000002", "4", "4", "0"],
        ["(other labels)", "$0.000004", "8", "8", "0"],
        ["(total)", "$0.000003", "6", "6", "0"],
    ]


@pytest.mark.usefixtures("known")
def test_only_a_list_under_way_is_tried_again() -> None:
    busy: list[Step] = [http(503, b'{"message": "Later."}')]
    first, paths = ask(busy, aliases("a"))
    assert (first.code, first.out, len(paths)) == (3, "", 1)
    assert "Later." in first.err
    assert "request id: r-1" in first.err
    second, paths = ask(aliases("a", following="n"), busy, aliases("b"))
    assert (second.code, len(second.rows), len(paths)) == (0, 2, 3)


@pytest.mark.usefixtures("known")
def test_a_change_without_a_response_is_sent_once() -> None:
    with scripted([], [http(204)]) as server:
        lost = ran("prices", "alias", "a/b", "--remove", "--url", server.url)
    assert (lost.code, len(server.requests)) == (3, 1)
    assert "not available" in lost.err


def test_a_table_is_drawn_on_a_terminal_alone() -> None:
    columns = [*texts("NAME"), *figures("SPENT")]
    rows = [["a", "$10.00"], ["a long name", "$1.00"]]
    with printing() as (out, _):
        print_table(columns, rows)
    assert out.getvalue() == "NAME\tSPENT\na\t$10.00\na long name\t$1.00\n"
    with printing(is_terminal=True) as (out, _):
        print_table(columns, rows)
    drawn = out.getvalue()
    assert "─" in drawn
    # Figures end at the same column.
    assert [line.rstrip().endswith(" $10.00") for line in drawn.splitlines()].count(True) == 1
    assert any(line.rstrip().endswith("   $1.00") for line in drawn.splitlines())


def test_progress_is_for_a_terminal_and_never_in_the_output() -> None:
    for is_terminal in (False, True):
        with printing(is_terminal=is_terminal) as (out, err), progress("Reading [red]", 3) as step:
            step(3)
        assert out.getvalue() == ""
        assert ("Reading [red]" in err.getvalue()) is is_terminal
