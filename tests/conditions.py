"""CloudFormation's conditions and rules, evaluated for given parameters. A list of a parameter that
is empty has one member, the empty string.
"""

from typing import Any

from tests.deployed import template

REGION = "eu-west-1"


def parameters(**given: str) -> dict[str, Any]:
    """The value of each parameter: the given one, or the default."""
    declared = template()["Parameters"]
    assert given.keys() <= declared.keys()
    values = {
        name: str(given.get(name, each.get("Default", ""))) for name, each in declared.items()
    }
    return {
        name: value.split(",") if declared[name]["Type"] == "CommaDelimitedList" else value
        for name, value in values.items()
    } | {"AWS::Region": REGION}


def value_of(node: Any, given: dict[str, Any]) -> Any:
    """The value of an intrinsic function. Raise KeyError for one that is not known here."""
    if isinstance(node, list):
        return [value_of(each, given) for each in node]
    if not isinstance(node, dict):
        return str(node)
    ((function, of),) = node.items()
    match function:
        case "Ref":
            return given[of]
        case "Condition":
            return value_of(template()["Conditions"][of], given)
        case "Fn::Sub":
            return _substituted(of, given)
        case _:
            return FUNCTIONS[function](*value_of(of, given))


def _substituted(text: str, given: dict[str, Any]) -> str:
    for name, value in given.items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


FUNCTIONS: dict[str, Any] = {
    "Fn::And": lambda *values: all(values),
    "Fn::Or": lambda *values: any(values),
    "Fn::Not": lambda value: not value,
    "Fn::Equals": lambda one, other: one == other,
    "Fn::Contains": lambda values, value: value in values,
    "Fn::Join": lambda between, values: between.join(values),
    "Fn::Split": lambda between, text: text.split(between),
    "Fn::Select": lambda place, values: values[int(place)],
}


def present(**given: str) -> dict[str, dict[str, Any]]:
    """The resources that exist with these parameters, with their Fn::If resolved."""
    values = parameters(**given)
    truths = {name: value_of(each, values) for name, each in template()["Conditions"].items()}
    return {
        name: _resolved(each, truths)
        for name, each in template()["Resources"].items()
        if truths.get(each.get("Condition", ""), True)
    }


def _resolved(node: Any, truths: dict[str, bool]) -> Any:
    if isinstance(node, list):
        return [_resolved(each, truths) for each in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"Fn::If"}:
        condition, yes, no = node["Fn::If"]
        return _resolved(yes if truths[condition] else no, truths)
    return {key: _resolved(each, truths) for key, each in node.items()}


def refused(**given: str) -> list[str]:
    """The descriptions of the assertions that these parameters fail."""
    values = parameters(**given)
    return [
        each["AssertDescription"]
        for rule in template()["Rules"].values()
        if "RuleCondition" not in rule or value_of(rule["RuleCondition"], values)
        for each in rule["Assertions"]
        if not value_of(each["Assert"], values)
    ]
