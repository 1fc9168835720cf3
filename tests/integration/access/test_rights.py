"""The rights of each login of the functions in the database: all of them, and none too many."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from allowance.database.queries import queries
from allowance.rbac.system import SYSTEM_ACTORS, Login
from tests.accounting import needed
from tests.accounts import ACCOUNTS
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.query_values import with_values
from tests.rights import ANY, granted_to, needed_by, of_server, shown
from tests.stores import login_of, store_for
from tests.subjects import exactly

MATRIX = Path(__file__).parents[2] / "data" / "rights.txt"
ROW_LOCK = "row_lock"


def wrapped(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, 100, subsequent_indent="    ")


def test_the_rights_of_each_login_are_those_of_the_table(migrated: Database) -> None:
    """A new grant fails here: add it to tests/data/rights.txt, where reviewers read it."""
    actual: list[str] = []
    with migrated.connect() as owner:
        for login in Login:
            rights = shown(granted_to(migrated, login))
            actual += [f"[{login}]", *wrapped([*of_server(owner, login), *rights]), ""]
    assert "\n".join(actual) == MATRIX.read_text()


@pytest.fixture
def used(something_of_each: Database, acme: Acme) -> dict[Login, set[str]]:
    """The queries that the functions of each login run."""
    # The session runs the first three. The database of the accounts has recorded usage by a route.
    ran = {login: set[str]() for login in Login}
    ran[Login.ROUTES] |= {"authenticate", "find_named", "ping", "record_usage", "change_usage"}
    for method, account in ACCOUNTS.items():
        needs = [needed(each, acme) for each in (*account.needs, *account.then)]
        store, connection = store_for(method, account, exactly(needs), something_of_each, acme)
        account.run(store, acme)
        connection.close()
        ran[login_of(account.kind or method[0])].update(connection.queries_run)
    return ran


def test_each_login_has_exactly_the_rights_that_its_queries_need(
    something_of_each: Database, used: dict[Login, set[str]]
) -> None:
    assert set().union(*used.values()) == queries().keys()
    for login, names in used.items():
        needs = needed_by(something_of_each, map(with_values, sorted(names)))
        granted = granted_to(something_of_each, login)
        of_any = {each[:2] for each in needs if each.column == ANY}
        assert of_any <= {each[:2] for each in granted}, login
        missing = {each for each in needs - granted if each.column != ANY}
        too_many = {
            each for each in granted - needs if each.column != ROW_LOCK or each[:2] not in of_any
        }
        assert (shown(missing), shown(too_many)) == ([], []), login


FORGED = (
    "INSERT INTO audit_log (actor_id, actor_name, action, resource_type, resource_id, request_id,"
    " token_id) SELECT %s, %s, 'update', 'group', 'x', 'r', %s"
)
RECORD = (
    "SELECT record_ai_usage(p_kinds => %s, p_label_sets => '[]', p_label_sets_of => '{}',"
    " p_user_ids => ARRAY[gen_random_uuid()],"
    " p_group_ids => ARRAY[gen_random_uuid()], p_organization_ids => ARRAY[gen_random_uuid()],"
    " p_ids => 'a', p_key_digests => ARRAY[gen_random_uuid()],"
    " p_content_sha256s => ARRAY[sha256('a')], p_moments => ARRAY[now()], p_persons => '{1}',"
    " p_kinds_of => '{0}', p_input_tokens => '{1}', p_output_tokens => '{0}',"
    " p_cache_read_tokens => '{}', p_cache_write_tokens => '{}',"
    " p_cache_write_1h_tokens => '{}', p_other_units => '', p_costs => ARRAY[%s::bigint],"
    " p_large_costs => '', p_stated_costs => '', p_stated_differences => '', p_corrects => %s,"
    " p_extra_counts => '{}',"
    " p_unpriced_counts => '{}', p_limited_user_ids => '{}', p_spend_limits => '{}',"
    " p_thresholds => '{}', p_settlements => NULL)"
)
KIND = '[{"kind": 0, "source": "s", "provider": "p", "model": "m"}]'


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE api_tokens SET secret_sha256 = sha256('x')",
        "UPDATE users SET roles = '{owner}'",
        "UPDATE organization_members SET roles = '{organization-admin}'",
        "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id FROM groups g, users u",
        "SELECT drop_oldest_ai_usage_month(1, '{}')",
        "UPDATE ai_user_spend_monthly SET cost_micros = 0",
        "UPDATE ai_spend_daily SET cost_micros = 0",
        "INSERT INTO ai_group_spend_monthly (group_id, month, user_id, cost_micros)"
        " VALUES (gen_random_uuid(), '2026-11-01', gen_random_uuid(), -1)",
        "INSERT INTO ai_usage_keys (key_digest, content_sha256, usage_id)"
        " VALUES (gen_random_uuid(), sha256('x'), 1)",
        "SELECT nextval('ai_usage_id_seq')",
        "UPDATE audit_log SET actor_name = 'x'",
        "UPDATE ai_price_book SET etag = NULL",
        "UPDATE ai_model_price_changes_held SET proposed = '{}'",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE TABLE mine (id int)",
        "ALTER ROLE allowance_routes CREATEROLE",
        "ALTER ROLE allowance_jobs PASSWORD 'x'",
        "SET ROLE allowance_directory",
        "SET SESSION AUTHORIZATION allowance_jobs",
    ],
)
def test_a_session_of_routes_may_not(migrated: Database, attack: str) -> None:
    with (
        psycopg.connect(migrated.url_of(Login.ROUTES)) as routes,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        routes.execute(attack.encode())


def test_the_right_to_lock_a_row_changes_nothing(database: Database) -> None:
    with psycopg.connect(database.app_url) as routes:
        routes.execute("SELECT 1 FROM ai_price_book FOR NO KEY UPDATE")
        with pytest.raises(psycopg.errors.GeneratedAlways):
            routes.execute("UPDATE ai_price_book SET row_lock = true")


@pytest.mark.parametrize(
    ("kinds", "cost", "corrects", "refusal"),
    [
        (KIND, 1, [5], psycopg.errors.InsufficientPrivilege),
        (KIND, -1, [], psycopg.errors.CheckViolation),
        # Without its kind an entry would count in the sums alone.
        ("[]", -1, [], psycopg.errors.NotNullViolation),
    ],
)
def test_a_session_of_routes_takes_nothing_from_a_sum(
    database: Database, kinds: str, cost: int, corrects: list[int], refusal: type[Exception]
) -> None:
    database.run("SELECT ensure_ai_usage_month(now())")
    with psycopg.connect(database.app_url, autocommit=True) as routes:
        with pytest.raises(refusal):
            routes.execute(RECORD, (kinds, cost, corrects))
        routes.execute(RECORD, (KIND, 2_000_000, []))
    assert database.rows("SELECT cost_micros FROM ai_user_spend_monthly") == [(2,)]


@pytest.mark.parametrize(
    ("parameter", "honest", "forged"),
    [
        ("p_extra_counts", "'{0}'", "'{-1}'"),
        ("p_large_costs", "'0'", "'-1'"),
        ("p_other_units", """'{"pages": 1}'""", """'{"pages": -1}'"""),
        ("p_other_units", "''", """'{"pages": 0}'"""),
        ("p_other_units", "''", "'{}'"),
        ("p_other_units", "''", "'[1]'"),
        ("p_stated_costs", "'1'", "'-1'"),
        ("p_stated_differences", "''", "'1'"),
    ],
)
def test_a_session_of_routes_forges_no_count(
    database: Database, parameter: str, honest: str, forged: str
) -> None:
    database.run("SELECT ensure_ai_usage_month(now())")

    def stating(value: str) -> str:
        return re.sub(f"{parameter} => '[^']*'", f"{parameter} => {value}", RECORD)

    with psycopg.connect(database.app_url, autocommit=True) as routes:
        with pytest.raises(psycopg.errors.CheckViolation):
            routes.execute(stating(forged), (KIND, 0, []))
        routes.execute(stating(honest), (KIND, 0, []))


@pytest.mark.parametrize("login", Login)
def test_system_actors_write_by_their_own_login_only(database: Database, login: Login) -> None:
    with psycopg.connect(database.url_of(login), autocommit=True) as session:
        for actor in SYSTEM_ACTORS:
            entry = (None, actor.name, None)
            if actor.login is login:
                session.execute(FORGED, entry)
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="actor"):
                session.execute(FORGED, entry)
    with psycopg.connect(database.url_of(login), autocommit=True) as session:
        for entry in ((None, "somebody", None), (None, "allowance_routes", None)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="actor"):
                session.execute(FORGED, entry)


def test_an_entry_of_a_route_is_its_tokens_users(database: Database, acme: Acme) -> None:
    adam, maya = acme.origin("adam"), acme.origin("maya")
    with psycopg.connect(database.app_url, autocommit=True) as routes:
        for forged in (
            (adam.actor_id, "adam", None),
            (adam.actor_id, "adam", "unknown"),
            (adam.actor_id, "adam", maya.token_id),
            (adam.actor_id, "maya", adam.token_id),
            (None, "adam", adam.token_id),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="actor"):
                routes.execute(FORGED, forged)
        routes.execute(FORGED, (adam.actor_id, "adam", adam.token_id))


def test_other_members_of_a_login_write_no_entry(database: Database) -> None:
    role = f"{database.name}_other"
    password = database.app_url.rpartition("@")[0].rpartition(":")[2]
    database.run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE allowance_jobs INHERIT")
    try:
        url = database.app_url.replace(Login.ROUTES, role, 1)
        with psycopg.connect(url) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(FORGED, (None, "price-seeder", None))
    finally:
        database.run(f"DROP ROLE {role}")


def test_an_entry_names_the_token_of_the_request(acme: Acme, adam: Client) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 1})
    (entry, *_) = adam.get("/api/v2/audit").json()["entries"]
    assert entry["actor"]["username"] == "adam"
    assert entry["token_id"] == acme.origin("adam").token_id
    olivia = acme.client("olivia")
    imported = olivia.get("/api/v2/audit?user=directory-importer&limit=1").json()["entries"]
    assert imported[0]["token_id"] is None
