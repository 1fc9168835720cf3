"""Names that only one user may have, when a directory document is applied."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from allowance.directory.known import Account
from allowance.errors import Problem


class UniqueNames:
    """Which user has which value of a column before the document is applied, and after it."""

    def __init__(
        self,
        column: Literal["email", "user_name"],
        called: str,
        key: Callable[[Account], str | None],
    ) -> None:
        """`key` returns the value of a user as it is compared, None if others may have it."""
        self.column: Literal["email", "user_name"] = column
        self._called = called
        self._key = key
        self._final: dict[str, Account] = {}
        self._left: dict[str, Account] = {}

    def note(self, before: Account | None, after: Account) -> None:
        """Note the value that a user has now, and the one that the user will have."""
        if self._key(after) is not None:
            self._final[after.username] = after
        if before and self._key(before) not in (None, self._key(after)):
            self._left[before.username] = before

    def problems(self, places: Mapping[str, int]) -> Iterable[Problem]:
        """Yield a problem for each listed user whose value another user has."""
        holders: defaultdict[str | None, list[str]] = defaultdict(list)
        for name, account in self._final.items():
            holders[self._key(account)].append(name)
        for name, place in places.items():
            if (account := self._final.get(name)) is None:
                continue
            others = [each for each in holders[self._key(account)] if each != name]
            if others:
                value = getattr(account, self.column)
                detail = f'"{value}" is the {self._called} of "{others[0]}"'
                yield Problem(f"users[{place}].{self.column}", detail)

    def handed_over(self) -> dict[str, str]:
        """Return the values that pass from one user to another, by the user that has each."""
        taken = {self._key(each) for each in self._final.values()}
        return {
            name: getattr(account, self.column)
            for name, account in self._left.items()
            if self._key(account) in taken
        }
