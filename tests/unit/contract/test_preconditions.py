"""If-Match and If-None-Match."""

from datetime import UTC, datetime

import pytest

from allowance.contract.preconditions import Precondition

TAG = '"2026-11-22T06:00:00.123456Z"'
VERSION = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)


def test_without_headers_nothing_is_demanded() -> None:
    assert Precondition.of({}) == Precondition()


def test_a_tag_names_its_version() -> None:
    assert Precondition.of({"if-match": TAG}).versions == (VERSION,)
    assert Precondition.of({"if-none-match": TAG}).excluded_versions == (VERSION,)


def test_a_list_of_tags_names_all_of_ours() -> None:
    assert Precondition.of({"if-match": f'"other", {TAG} ,W/{TAG}'}).versions == (VERSION,)


def test_a_star_speaks_of_existence() -> None:
    assert Precondition.of({"if-match": " * "}) == Precondition(must_exist=True)
    assert Precondition.of({"if-none-match": "*"}) == Precondition(must_be_absent=True)


def test_if_none_match_compares_weakly() -> None:
    assert Precondition.of({"if-none-match": f"W/{TAG}"}).excluded_versions == (VERSION,)


@pytest.mark.parametrize(
    "tag", ["", "x", TAG.strip('"'), f"W/{TAG}", '"2026-02-31T06:00:00.123456Z"', '"٢٠٢٦"']
)
def test_a_tag_that_is_weak_or_not_ours_never_matches(tag: str) -> None:
    assert Precondition.of({"if-match": tag}).versions == ()
