"""The committed OpenAPI document is what the handlers say."""

from allowance.http.routes import ROUTES
from local.openapi import document, files, operations


def test_the_committed_documents_are_not_stale() -> None:
    for file, text in files(document()).items():
        assert file.read_text() == text, f"{file.name}: run `make openapi`"


def test_every_route_is_documented() -> None:
    assert sorted((each.route.method, each.route.path) for each in operations()) == sorted(ROUTES)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [each.id for each in operations()]
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does() -> None:
    for path in document()["paths"].values():
        for operation in path.values():
            assert operation["summary"].endswith(".")
            assert {"400", "500", "503"} <= operation["responses"].keys()
