"""Tokens that users make, list and revoke."""

from typing import Any

import psycopg
import pytest

from allowance.directory.tokens import MAX_MAKERS, MAX_TOKENS
from tests.conftest import environment
from tests.directory_documents import apply
from tests.gateway import Client
from tests.own_tokens import MINE, ask_token, in_days, make_token
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND

ME = "/api/v2/users/me"


def names(client: Client, path: str = MINE) -> list[str]:
    return [each["name"] for each in client.get(path).json()["tokens"]]


def problems(client: Client, **terms: Any) -> dict[str, str]:
    answer = ask_token(client, **({"name": "new"} | terms))
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed.")
    return {each["field"]: each["detail"] for each in answer.json()["validations"]}


def test_a_made_token_is_shown_once_and_listed(database: Database, maya: Client) -> None:
    end = in_days(30)
    answer = maya.post(MINE, {"name": "laptop", "expires_at": end})
    assert answer.status == 201
    made = answer.json()
    secret = made.pop("token")
    assert (made["name"], made["expires_at"]) == ("laptop", end)
    assert (made["scope"], made["maker_scopes"], made["made_by"]) == (None, [], "test")
    assert secret.startswith(f"alw_{made['id']}_")
    listed = maya.get(MINE).json()
    assert [each["name"] for each in listed["tokens"]] == ["laptop", "test"]
    assert listed["tokens"][0] == made
    assert listed["tokens"][1]["last_used_at"] is not None
    assert secret.split("_")[2] not in answer.body.replace(secret, "") + str(listed)
    assert Client(secret).get(ME).json()["token"]["name"] == "laptop"
    assert maya.get(MINE).json()["tokens"][0]["last_used_at"] is not None
    (stored,) = database.rows("SELECT t::text FROM api_tokens AS t WHERE t.name = 'laptop'")
    assert secret.split("_")[2] not in stored[0]


def test_tokens_are_listed_page_by_page(maya: Client) -> None:
    for name in ("c", "a", "b"):
        make_token(maya, name)
    first = maya.get(f"{MINE}?limit=3").json()
    assert [each["name"] for each in first["tokens"]] == ["a", "b", "c"]
    last = maya.get(f"{MINE}?limit=3&after={first['next']}").json()
    assert ([each["name"] for each in last["tokens"]], last["next"]) == (["test"], None)


def test_a_name_that_exists_is_refused_until_it_is_revoked(maya: Client) -> None:
    first = make_token(maya, "laptop")
    again = ask_token(maya, "laptop")
    assert again.status == 409
    assert again.json() == {"message": "Another token of the user has this name."}
    assert first.get(ME).status == 200
    assert maya.delete(f"{MINE}/laptop").status == 204
    assert first.get(ME).status == 401
    assert maya.delete(f"{MINE}/laptop").json() == NOT_FOUND
    assert make_token(maya, "laptop").get(ME).status == 200
    assert first.get(ME).status == 401


def test_an_end_is_needed_and_not_far_away(maya: Client) -> None:
    answer = maya.post(MINE, {"name": "new"})
    assert [each["field"] for each in answer.json()["validations"]] == ["expires_at"]
    assert problems(maya, expires_at=None).keys() == {"expires_at"}
    assert problems(maya, days=-0.001) == {"expires_at": "Must be in the future."}
    assert problems(maya, days=90.01) == {"expires_at": "Must be at most 90 days away."}
    assert ask_token(maya, "long", days=89.99).status == 201


def test_the_longest_time_is_a_parameter(database: Database, maya: Client) -> None:
    with environment(DATABASE_URL=database.app_url, TOKEN_MAX_DAYS="7"):
        assert problems(maya, days=7.01) == {"expires_at": "Must be at most 7 days away."}
        assert ask_token(maya, "week", days=6.99).status == 201


def test_a_token_ends_no_later_than_its_maker(maya: Client) -> None:
    short = ask_token(maya, "short", days=1).json()
    client = Client(short["token"])
    assert ask_token(client, "long", days=90).json()["expires_at"] == short["expires_at"]
    shorter = in_days(0.99)
    made = client.post(MINE, {"name": "shorter", "expires_at": shorter})
    assert made.json()["expires_at"] == shorter


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 256, " a", "a\n"])
def test_a_name_that_no_path_can_have_is_refused(maya: Client, name: str) -> None:
    assert problems(maya, name=name).keys() == {"name"}


def test_a_name_may_be_in_any_script(maya: Client) -> None:
    make_token(maya, "ноутбук 1?#%")
    assert (
        maya.delete(f"{MINE}/%D0%BD%D0%BE%D1%83%D1%82%D0%B1%D1%83%D0%BA%201%3F%23%25").status == 204
    )


def test_revoking_ends_what_a_token_made_and_nothing_else(acme: Acme, maya: Client) -> None:
    child = make_token(maya, "child")
    grandchild = make_token(child, "grandchild")
    sibling = make_token(maya, "sibling")
    assert maya.delete(f"{MINE}/child").status == 204
    assert [each.get(ME).status for each in (child, grandchild)] == [401, 401]
    assert [each.get(ME).status for each in (maya, sibling)] == [200, 200]
    assert names(maya) == ["sibling", "test"]
    # The token in use ends itself, and what it made.
    assert maya.delete(f"{MINE}/test").status == 204
    assert [each.get(ME).status for each in (maya, sibling)] == [401, 401]


def test_a_revocation_by_a_document_ends_what_the_token_made(acme: Acme, maya: Client) -> None:
    child = make_token(maya, "child")
    grandchild = make_token(child, "grandchild")
    apply({"tokens": [{"username": "maya", "name": "test", "revoked": True}]})
    assert [each.get(ME).status for each in (maya, child, grandchild)] == [401] * 3
    olivia = acme.client("olivia")
    assert names(olivia, "/api/v2/users/maya/tokens") == []
    entries = olivia.get("/api/v2/audit?user=maya&limit=3").json()["entries"]
    assert [each["after"]["revoked"] for each in entries] == [True] * 3
    assert {each["before"]["name"] for each in entries} == {"test", "child", "grandchild"}


def test_a_document_does_not_bring_a_revoked_token_back(maya: Client) -> None:
    maya.delete(f"{MINE}/test")
    assert apply({"tokens": [{"username": "maya", "name": "test"}]})["tokens"] == {}


def test_a_revoked_maker_ends_a_token_even_unseen(database: Database, maya: Client) -> None:
    """As when a document revokes the maker while the token is being made."""
    child = make_token(maya, "child")
    database.run("UPDATE api_tokens SET revoked_at = now() WHERE name = 'test'")
    assert child.get(ME).status == 401


@pytest.mark.parametrize("who", ["olivia", "otto"])
def test_owners_and_user_admins_see_and_revoke_and_never_make(
    database: Database, acme: Acme, maya: Client, who: str
) -> None:
    if who == "otto":
        database.run("UPDATE users SET roles = '{user-admin}' WHERE username = 'otto'")
    admin, hers = acme.client(who), "/api/v2/users/maya/tokens"
    laptop = make_token(maya, "laptop")
    assert names(admin, hers) == ["laptop", "test"]
    refused = admin.post(hers, {"name": "mine", "expires_at": in_days(1)})
    assert (refused.status, refused.json()["message"]) == (404, NOT_FOUND["message"])
    assert admin.delete(f"{hers}/laptop").status == 204
    assert laptop.get(ME).status == 401
    assert maya.get(ME).status == 200


@pytest.mark.parametrize("who", ["adam", "ana", "otto", "gus", "nora"])
def test_others_find_no_tokens_of_a_user(acme: Acme, who: str) -> None:
    for path in ("/api/v2/users/maya/tokens", "/api/v2/users/nobody/tokens"):
        assert acme.client(who).get(path).json() == NOT_FOUND
        assert acme.client(who).delete(f"{path}/test").json() == NOT_FOUND
    assert acme.client("maya").get(ME).status == 200


def test_making_and_revoking_are_audited(acme: Acme, maya: Client) -> None:
    scope = {"site": [{"resource_type": "api_token", "action": "*", "negate": False}]}
    scope |= {"user": [], "by_org_id": {}, "allow_list": [{"type": "*", "id": "*"}]}
    made = ask_token(maya, "laptop", scope=scope).json()
    make_token(Client(made["token"]), "child")
    maya.delete(f"{MINE}/laptop")
    entries = acme.client("olivia").get("/api/v2/audit?user=maya&limit=4").json()["entries"]
    assert [each["action"] for each in entries] == ["delete", "delete", "create", "create"]
    assert {each["resource_type"] for each in entries} == {"api_token"}
    first, ended = entries[3], next(e for e in entries if e["before"] and e["before"]["scope"])
    state = {"name": "laptop", "scope": scope, "revoked": False}
    assert first["after"].items() >= (state | {"made_by": "test"}).items()
    assert ended["before"].items() >= state.items()
    assert (first["resource_id"], ended["after"]) == (made["id"], None)
    assert first["user_id"] == str(acme.users["maya"])
    assert (first["actor"]["username"], first["token_id"]) == (
        "maya",
        acme.origin("maya").token_id,
    )


def test_a_chain_of_makers_has_an_end(maya: Client) -> None:
    maker = maya
    for place in range(MAX_MAKERS):
        maker = make_token(maker, f"t{place}")
    refused = ask_token(maker, "more")
    assert refused.status == 409
    assert "makes no other" in refused.json()["detail"]
    assert maker.get(ME).status == 200


def test_a_user_has_a_limited_number_of_tokens(database: Database, maya: Client) -> None:
    database.run(
        "INSERT INTO api_tokens (id, user_id, name, secret_sha256)"
        " SELECT 't' || n, u.id, 't' || n, sha256('x')"
        " FROM users AS u CROSS JOIN generate_series(1, %s) AS n WHERE u.username = 'maya'",
        MAX_TOKENS - 1,
    )
    refused = ask_token(maya, "more")
    assert (refused.status, refused.json()["message"]) == (409, "The user has too many tokens.")
    maya.delete(f"{MINE}/t7")
    assert ask_token(maya, "more").status == 201


def test_a_route_mints_and_revives_no_token_of_its_own(database: Database, maya: Client) -> None:
    make_token(maya, "short", days=1, scope={})
    mint = (
        "INSERT INTO api_tokens (id, user_id, name, secret_sha256, expires_at, makers)"
        " SELECT 'mine', u.id, 'mine', sha256('x'), now() + interval '1 hour' * %s, %s"
        " || ARRAY(SELECT t.id FROM api_tokens AS t WHERE t.user_id = u.id AND t.name = %s)"
        " FROM users AS u WHERE u.username = 'olivia'"
    )
    hers = "SELECT t.makers || t.id FROM api_tokens AS t WHERE t.name = 'short'"
    ((chain,),) = database.rows(hers)
    attacks: list[tuple[str, tuple[Any, ...]]] = [
        (mint, (1, [], "none")),
        (mint, (None, [], "test")),
        (mint, (1, chain, "none")),
        (mint.replace("olivia", "maya"), (1, chain, "none")),
        (mint.replace("olivia", "maya"), (1, [], "short")),
    ]
    with psycopg.connect(database.app_url, autocommit=True) as routes:
        for attack, values in attacks:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="chain of its makers"):
                routes.execute(attack.encode(), values)
        routes.execute(mint.encode(), (1, [], "test"))
        routes.execute("UPDATE api_tokens SET revoked_at = now() WHERE name = 'short'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="stays revoked"):
            routes.execute("UPDATE api_tokens SET revoked_at = NULL WHERE name = 'short'")
