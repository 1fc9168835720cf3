"""The database, its network and the time limits around it. Linters do not know our promises."""

import json
import re

from migrations.migrate import CONNECT_TIMEOUT_SECONDS, LOCK_PATIENCE_SECONDS, TIMEOUTS
from tests.deployed import (
    JOBS,
    ROOT,
    actions,
    functions,
    properties,
    resources,
    role_of,
    statements,
    template,
)


def test_the_database_is_private_encrypted_backed_up_and_hard_to_delete() -> None:
    (cluster,) = resources("AWS::RDS::DBCluster").values()
    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    settings = cluster["Properties"]
    for promise in (
        "StorageEncrypted",
        "DeletionProtection",
        "EnableIAMDatabaseAuthentication",
    ):
        assert settings[promise] is True, promise
    assert settings["MasterUserAuthenticationType"] == "iam-db-auth"
    assert not {"MasterUserPassword", "ManageMasterUserPassword"} & settings.keys()
    assert settings["EnableCloudwatchLogsExports"] == ["postgresql"]
    assert template()["Parameters"]["DatabaseBackupDays"]["MinValue"] >= 7
    assert template()["Parameters"]["DatabaseMinCapacity"]["MinValue"] == 0
    (parameters,) = properties("AWS::RDS::DBClusterParameterGroup").values()
    assert parameters["Parameters"]["rds.force_ssl"] == "1"
    instances = properties("AWS::RDS::DBInstance")
    assert len(instances) == 2
    assert all(each["PubliclyAccessible"] is False for each in instances.values())


def test_a_proxy_takes_tls_and_tokens_only() -> None:
    (proxy,) = properties("AWS::RDS::DBProxy").values()
    assert (proxy["RequireTLS"], proxy["DefaultAuthScheme"]) == (True, "IAM_AUTH")


def test_the_network_is_closed_and_only_functions_reach_the_database() -> None:
    assert not resources(
        "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"
    )
    ingress = [
        *properties("AWS::EC2::SecurityGroupIngress").values(),
        *(
            rule
            for group in properties("AWS::EC2::SecurityGroup").values()
            for rule in group.get("SecurityGroupIngress", [])
        ),
    ]
    assert len(ingress) == 3
    for rule in ingress:
        assert "SourceSecurityGroupId" in rule
        assert "CidrIp" not in rule
        assert rule["FromPort"] == rule["ToPort"]
    into_the_database = [
        rule for rule in ingress if rule.get("GroupId") == {"Ref": "DatabaseSecurityGroup"}
    ]
    assert {rule["FromPort"] for rule in into_the_database} == {5432}
    endpoints = {
        json.dumps(each["ServiceName"]): each
        for each in properties("AWS::EC2::VPCEndpoint").values()
    }
    assert len(endpoints) == 4
    assert all("PolicyDocument" in each for each in endpoints.values())


def test_the_stack_creates_databases_only_where_it_has_certificates() -> None:
    shipped = {
        path.stem for path in (ROOT / "layers/shared/allowance/database/certificates").glob("*.pem")
    } - {"all"}
    (regions,) = [
        each["Assert"]["Fn::Contains"][0]
        for each in template()["Rules"]["CreatedDatabase"]["Assertions"]
        if "Fn::Contains" in each["Assert"]
    ]
    assert set(regions) == shipped


def test_every_function_may_log_in_to_the_database_as_the_application() -> None:
    roles = properties("AWS::IAM::Role")
    for name in functions():
        assert {"Ref": "DatabaseAccess"} in roles[role_of(name)]["ManagedPolicyArns"], name
    logins = [
        each for each in statements(template()["Resources"]) if "rds-db:connect" in actions(each)
    ]
    users = [re.findall(r"dbuser:[^/\"]+/(\w+)", json.dumps(each["Resource"])) for each in logins]
    assert users
    assert {name for each in users for name in each} == {"allowance_app", "allowance_owner"}


def test_only_migrate_may_log_in_as_the_owner_by_a_token() -> None:
    holders = {
        name
        for name, resource in template()["Resources"].items()
        if any("/allowance_owner" in json.dumps(each) for each in statements(resource))
    }
    assert holders == {"MigrateRole", "FunctionBoundary"}
    variables = functions()["Migrate"]["Environment"]["Variables"]
    assert variables["OWNER_DATABASE_USER"] == {"Fn::If": ["HasNetwork", "allowance_owner", ""]}
    assert properties("AWS::RDS::DBCluster")["DatabaseCluster"]["MasterUsername"] == (
        "allowance_owner"
    )


def test_the_created_database_needs_no_secret_and_no_endpoint_for_one() -> None:
    endpoints = json.dumps(properties("AWS::EC2::VPCEndpoint"))
    assert "secretsmanager" not in endpoints
    assert "MasterUserSecret" not in json.dumps(template())


def test_migrate_has_time_for_the_longest_statement_of_a_migration() -> None:
    texts = [path.read_text() for path in sorted((ROOT / "migrations").glob("*.sql"))]
    of_files = re.findall(
        r"SET LOCAL statement_timeout\s*=\s*'(\d+)(s|min)'", " ".join([TIMEOUTS, *texts])
    )
    longest = max(int(number) * (60 if unit == "min" else 1) for number, unit in of_files)
    waits = CONNECT_TIMEOUT_SECONDS + LOCK_PATIENCE_SECONDS
    timeout = functions()["Migrate"]["Timeout"]
    assert waits + max(longest, 600) < timeout <= 900, "the guide permits a statement of 600 s"


def test_each_time_limit_is_within_the_next() -> None:
    role = (ROOT / "migrations" / "0001_roles.sql").read_text()
    lock, statement = (
        int(re.search(rf"{name}_timeout = '(\d+)s'", role)[1])  # type: ignore[index]
        for name in ("lock", "statement")
    )
    (api,) = properties("AWS::ApiGatewayV2::Api").values()
    of_the_api = 30
    assert "timeoutInMillis" not in json.dumps(api), "the API waits its 30 s"
    for name, function in functions().items():
        if name not in JOBS:
            assert lock < statement < function["Timeout"] < of_the_api, name


def test_every_other_function_waits_for_the_migrations_of_its_version() -> None:
    (migrations,) = resources("AWS::CloudFormation::CustomResource").values()
    assert migrations["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["Migrate", "Arn"]}
    assert re.fullmatch(r"MigrateVersion\w+", migrations["Properties"]["Version"]["Ref"])
    assert migrations["Properties"]["ServiceTimeout"] > functions()["Migrate"]["Timeout"]
    for name, function in resources("AWS::Lambda::Function").items():
        assert (function.get("DependsOn") == "Migrations") == (name != "Migrate"), name
