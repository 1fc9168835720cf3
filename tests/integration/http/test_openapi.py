"""schemathesis: generated requests to the handlers, checked by the committed OpenAPI document."""

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode

from tests.depth import by_depth
from tests.in_process import BASE_URL, session
from tests.openapi import (
    CHECKS,
    caller_of,
    each_operation,
    examples,
    operation_of,
    takes_anything,
)
from tests.people import Acme


@pytest.mark.parametrize(
    "mode",
    [
        GenerationMode.POSITIVE,
        pytest.param(GenerationMode.NEGATIVE, marks=pytest.mark.thorough),
    ],
    ids=lambda mode: mode.value,
)
@each_operation
def test_every_response_is_as_documented(
    acme: Acme, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and not takes_anything(path, method):
        pytest.skip("A request without parameters and body cannot be wrong.")
    token = {"Authorization": f"Bearer {acme.tokens[f'{caller_of(path)}/test']}"}
    handlers = session()
    seen: set[int] = set()

    @examples(by_depth(2, 25, 200))
    @given(case=operation_of(path, method).as_strategy(generation_mode=mode))
    def conforms(case: schemathesis.Case) -> None:
        # Random ids name no group: every other request goes to one that exists.
        if "group" in case.path_parameters and len(seen) % 2:
            case.path_parameters["group"] = str(acme.groups["acme/research"])
        seen.add(hash(case.as_curl_command()))
        case.call_and_validate(base_url=BASE_URL, session=handlers, headers=token, checks=CHECKS)

    conforms()
    assert seen
