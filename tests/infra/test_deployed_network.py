"""The network of the stack: its zones, and what stays of it when the database is a restored one."""

import json
from typing import Any

import pytest

from tests.conditions import present
from tests.deployed import nodes
from tests.infra.test_rules import EXISTING, RESTORED

CREATED_ALONE = {"DatabaseCluster", "DatabaseInstance", "DatabaseStandbyInstance"}

POLICIES = ("RoutesDatabaseAccess", "JobsDatabaseAccess", "DirectoryDatabaseAccess")


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def test_a_restored_database_keeps_the_network_of_the_created_one() -> None:
    """The restored cluster uses the subnet group, the security group and the parameters."""
    created, restored = present(), present(**RESTORED)
    assert created.keys() - restored.keys() == CREATED_ALONE
    assert not restored.keys() - created.keys()
    (ingress,) = of_type(restored, "AWS::EC2::SecurityGroupIngress").values()
    assert ingress["Properties"]["FromPort"] == 5432
    assert len(of_type(restored, "AWS::EC2::VPCEndpoint")) == 4


def test_functions_log_in_to_a_restored_database_by_token() -> None:
    restored = present(**RESTORED)
    for name, function in of_type(restored, "AWS::Lambda::Function").items():
        variables = function["Properties"]["Environment"]["Variables"]
        assert variables["DATABASE_HOST"] == {"Ref": "RestoredHost"}, name
    owner = restored["Migrate"]["Properties"]["Environment"]["Variables"]
    assert owner["OWNER_DATABASE_HOST"] == {"Ref": "RestoredHost"}
    assert owner["OWNER_DATABASE_USER"] == "allowance_owner"
    logins = [
        each["Fn::Sub"][1]["Id"]
        for resource in (*POLICIES, "MigrateRole")
        for node in nodes(restored[resource])
        if node.get("Action") == "rds-db:connect"
        for each in (node["Resource"] if isinstance(node["Resource"], list) else [node["Resource"]])
        if "Fn::Sub" in each
    ]
    assert len(logins) == 4
    assert all(each == {"Ref": "RestoredResourceId"} for each in logins)


@pytest.mark.parametrize("given", [{}, {"DatabaseProxy": "true"}, RESTORED, EXISTING])
def test_no_resource_refers_to_one_that_does_not_exist(given: dict[str, str]) -> None:
    resources = present(**given)
    every = present().keys() | present(DatabaseProxy="true").keys() | resources.keys()
    absent = every - resources.keys()
    for name, resource in resources.items():
        for node in nodes(resource):
            target = node.get("Ref") or (node.get("Fn::GetAtt") or [""])[0]
            assert target not in absent, f"{name} refers to {target}"
    assert ("Vpc" in resources) == (given.get("Database") != "existing")


@pytest.mark.parametrize("given", [{}, RESTORED, EXISTING])
def test_every_function_is_in_the_one_network_that_jobs_keep_in_use(given: dict[str, str]) -> None:
    """Lambda takes unused interfaces of a network away, and then fails a first call. Functions with
    the same subnets and security groups share them.
    """
    given = given | ({"SubnetIds": "s", "SecurityGroupIds": "g"} if given is EXISTING else {})
    resources = present(**given)
    networks = {
        json.dumps(each["Properties"]["VpcConfig"], sort_keys=True)
        for each in of_type(resources, "AWS::Lambda::Function").values()
    }
    assert len(networks) == 1
    rate = resources["DeliverAlertsSchedule"]["Properties"]["ScheduleExpression"]
    assert rate in ("rate(1 minute)", "rate(1 hour)")


def zones(**given: str) -> list[Any]:
    resources = present(**given)
    return [
        resources[f"PrivateSubnet{each}"]["Properties"]["AvailabilityZone"] for each in ("A", "B")
    ]


def test_the_zones_are_the_first_two_unless_chosen() -> None:
    assert zones() == [{"Fn::Select": [place, {"Fn::GetAZs": ""}]} for place in (0, 1)]
    chosen = {"Fn::Split": [",", {"Fn::Sub": "${AvailabilityZones},"}]}
    assert zones(AvailabilityZones="eu-west-1a,eu-west-1c") == [
        {"Fn::Select": [place, chosen]} for place in (0, 1)
    ]
