"""Configurations of LiteLLM that would be half imported, or understood in two ways."""

import pytest

from allowance_client.cli.yaml_text import read_yaml
from allowance_client.imports.litellm_budgets import BudgetPlan, read_litellm_budgets
from allowance_client.imports.problems import Findings, ImportRefused

MODEL = """
  - model_name: chat
    litellm_params: {model: openai/gpt-5.1, max_budget: %s, budget_duration: 1d}
"""


def plan_of(text: str) -> BudgetPlan:
    findings = Findings()
    with findings.all_of_them():
        return read_litellm_budgets(read_yaml(text), findings)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "line 2: The key c is there twice."),
        ("a: 1:30", "line 1: 1:30 is a number that YAML 1.1 reads in its own way"),
        ("a: 010", "line 1: 010 is a number"),
        ("a: 0x10", "line 1: 0x10 is a number"),
        ("a: 1_000", "line 1: 1_000 is a number"),
        ("a: 1:30.5", "line 1: 1:30.5 is a number"),
        ("a: [", "file: Is no YAML: "),
    ],
)
def test_what_yaml_readers_read_differently_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ImportRefused) as error:
        read_yaml(text)
    assert str(error.value).startswith(problem)


def test_plain_yaml_is_read() -> None:
    text = "a: &x {n: 10, f: 10.5, g: .5, z: 0, t: '010'}\nb: {<<: *x, n: 2}\nc: {<<: *x}"
    base = {"n": 10, "f": 10.5, "g": 0.5, "z": 0, "t": "010"}
    assert read_yaml(text) == {"a": base, "b": base | {"n": 2}, "c": base}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model_list: nope", "config.yaml, model_list: must be a list"),
        ("model_list: [nope]", "config.yaml, model_list[0]: must be an object"),
        (
            "model_list: [{litellm_params: {model: a/b*c, max_budget: 1}}]",
            "config.yaml, model_list[0].litellm_params.max_budget: no budget can have the models",
        ),
    ],
)
def test_a_list_of_models_is_understood_or_refused(text: str, problem: str) -> None:
    with pytest.raises(ImportRefused) as error:
        plan_of(text)
    assert str(error.value).startswith(problem)


def test_names_that_collide_are_listed_and_not_half_imported() -> None:
    plan = plan_of(
        "litellm_settings: {max_internal_user_budget: 5}\n"
        "router_settings: {provider_budget_config: {users: {budget_limit: 1, time_period: 1d}}}\n"
        "model_list:" + MODEL % 1 + MODEL % 2
    )
    assert [each["name"] for each in plan.budgets] == ["litellm-users"]
    several = "several deployments of openai/gpt-5.1 have budgets: set one for the model"
    assert plan.without_counterpart == {
        "router_settings.provider_budget_config.users.budget_limit": (
            "the name litellm-users is taken by another budget of this file: set it yourself"
        ),
        "model_list[0].litellm_params.max_budget": several,
        "model_list[1].litellm_params.max_budget": several,
    }


def test_other_budgets_of_models_are_listed() -> None:
    plan = plan_of(
        "model_list: [{litellm_params: {model: a/b, soft_budget: 1}, model_info: {max_budget: 2}}]"
    )
    assert plan.budgets == []
    assert plan.without_counterpart == {
        "model_list[0].litellm_params.soft_budget": "an alert: set `thresholds` of a budget",
        "model_list[0].model_info.max_budget": "no counterpart",
    }
