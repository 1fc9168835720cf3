"""Requests of a command: paths of names, conditions, and lists to their end."""

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote
from uuid import UUID

from allowance_client.cli.options import Options
from allowance_client.cli.problems import UnknownResponse, UsageProblem
from allowance_client.cli.progress import progress
from allowance_client.cli.settings import read_settings
from allowance_client.errors import ApiError

if TYPE_CHECKING:
    from allowance_client.transport import Answer, Connection

Params = Mapping[str, str | int | bool | None]
NOT_FOUND = 404
PAGE = 1000
ANOTHER = "It is not one of Allowance, or of another version than this command: check the address."


@contextmanager
def connected(options: Options) -> Generator["Api"]:
    """The API for one command. Raise UsageProblem if it is not known where or who."""
    settings = read_settings(options)
    if not 0 < options.timeout < math.inf:
        raise UsageProblem("--timeout must be a number of seconds above 0.")
    # Its import takes a third of a second, which help and errors need not wait for.
    from allowance_client.transport import Connection

    with Connection(settings.url, settings.token, timeout_seconds=options.timeout) as connection:
        try:
            yield Api(connection, settings.organization)
        except KeyError as error:
            raise UnknownResponse(f"The response has no {error}. {ANOTHER}") from error


class Api:
    """The routes of Allowance by names of people."""

    def __init__(self, connection: "Connection", organization: str | None) -> None:
        self._connection = connection
        self._organization = organization
        self._names: dict[str, str] = {}

    @cached_property
    def organization(self) -> str:
        """The organization of the command: the stated one, else the only one of the caller.

        Raise UsageProblem if there are several or none.
        """
        if self._organization is not None:
            return self._organization
        me = self.get(path("users", "me"))
        names = [each["name"] for each in me["organizations"]]
        if not names:
            # A site owner is in no organization, and reads all.
            names = [each["name"] for each in self.get(path("organizations"))["organizations"]]
        if len(names) == 1:
            return names[0]
        known = f": {', '.join(names)}" if names else ""
        raise UsageProblem(f"Name the organization with --organization{known}.")

    def in_organization(self, *segments: str) -> str:
        """The path of something of the organization."""
        return path("organizations", self.organization, *segments)

    def group(self, group: str) -> str:
        """The path of a group: its id, its name, or `organization/name`."""
        if is_id(group):
            return path("groups", group)
        if self._organization is None and "/" in group:
            organization, _, name = group.partition("/")
            return path("organizations", organization, "groups", name)
        return self.in_organization("groups", group)

    def group_id(self, group: str) -> str:
        """The id of a group."""
        return group if is_id(group) else self.get(self.group(group))["id"]

    def user_id(self, user: str) -> str:
        """The id of a user."""
        return user if is_id(user) else self.get(path("users", user))["id"]

    def group_name(self, group_id: str) -> str:
        """The name of a group, or its id if the caller may not read it."""
        return self._name(path("groups", group_id), group_id, "name")

    def user_name(self, user_id: str) -> str:
        """The username of a user, or the id if the caller may not read it."""
        return self._name(path("users", user_id), user_id, "username")

    def know_groups(self, groups: Iterable[Mapping[str, Any]]) -> None:
        """Keep the names of groups that are read already."""
        self._names |= {each["id"]: each["name"] for each in groups}

    def _name(self, route: str, id_: str, key: str) -> str:
        if id_ not in self._names:
            found = self.find(route)
            self._names[id_] = id_ if found is None else found.body[key]
        return self._names[id_]

    def get(self, route: str, params: Params | None = None, *, retry: bool = False) -> Any:
        """The document of a route. A person retries, and does not wait for a typing error in the
        address; a long list is not begun again.
        """
        return _document(self._connection.request("GET", route, params=params, retry=retry))

    def read(self, route: str) -> "Answer":
        """The response of a route, with its ETag."""
        answer = self._connection.request("GET", route, retry=False)
        _document(answer)
        return answer

    def find(self, route: str) -> "Answer | None":
        """The response of a route, or None if there is no such thing."""
        try:
            return self.read(route)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    @staticmethod
    def condition(existing: "Answer | None") -> dict[str, str]:
        """What has to hold for a change: nobody changed or created it since it was read."""
        if existing is None:
            return {"If-None-Match": "*"}
        return {"If-Match": existing.headers["etag"]}

    def change(
        self,
        method: str,
        route: str,
        body: Any = None,
        *,
        params: Params | None = None,
        condition: Mapping[str, str] | None = None,
    ) -> Any:
        """The document after a change.

        It is sent once: after a lost response, the retry of a change with a condition would be
        refused, and would look like the change of somebody else.
        """
        answer = self._connection.request(
            method, route, params=params, body=body, headers=condition, retry=False
        )
        return None if answer.body is None else _document(answer)

    def send(self, route: str, body: Any) -> Any:
        """The document of a POST that counts once however often it arrives: it is retried."""
        return self._connection.request("POST", route, body=body).body

    def pages(
        self,
        route: str,
        rows: str,
        *,
        params: Params | None = None,
        limit: int | None = None,
        page: int = PAGE,
    ) -> dict[str, Any]:
        """A list as one document: the first page with the rows of all.

        `limit` ends it earlier; then `next` is where it goes on.
        """
        joined: dict[str, Any] = {}
        after: str | None = None
        with progress("Reading") as advance:
            while True:
                left = page if limit is None else min(page, limit - len(joined.get(rows, [])))
                asked = {**(params or {}), "limit": left, "after": after}
                read: dict[str, Any] = self.get(route, asked, retry=bool(joined))
                advance(len(read[rows]))
                if joined:
                    joined[rows] += read[rows]
                    joined["next"] = read["next"]
                else:
                    joined = read
                if joined["next"] is not None and joined["next"] == after:
                    raise UnknownResponse(f"The list does not go on. {ANOTHER}")
                after = joined["next"]
                if after is None or (limit is not None and len(joined[rows]) >= limit):
                    return joined


def _document(answer: "Answer") -> Any:
    """The object of a response. Raise UnknownResponse if it has another body."""
    if not isinstance(answer.body, dict):
        raise UnknownResponse(f"The response is no object. {ANOTHER}")
    return cast("dict[str, Any]", answer.body)


def path(*segments: str, rest: str | None = None) -> str:
    """The path of a route. `rest` is a last segment that keeps its slashes."""
    parts = [*segments, *([] if rest is None else rest.split("/"))]
    for each in parts:
        # A client resolves these as steps, which would lead to another route.
        if each in ("", ".", ".."):
            raise UsageProblem(f"{each!r} is no name. Use an id, if it has one.")
    return "/api/v2/" + "/".join(quote(each, safe="") for each in parts)


def model_path(route: str, name: str) -> str:
    """The path of `provider/model` below a route."""
    provider, model = split_model(name)
    return path("ai", route, provider, rest=model)


def split_model(name: str) -> tuple[str, str]:
    """The provider and the model. The model may have slashes. Raise UsageProblem without both."""
    provider, _, model = name.partition("/")
    if not provider or not model:
        raise UsageProblem(f"{name!r} is no model. Write provider/model, like openai/gpt-5.")
    return provider, model


def is_id(text: str) -> bool:
    """Whether the text is an id, and no name."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
