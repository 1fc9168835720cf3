"""The client for asyncio with the methods of the one for threads, so that one test runs both."""

import asyncio
import inspect
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Self

from allowance_client import AsyncAllowance


class Blocking:
    """Runs each coroutine to its end."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncAllowance(*parts, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def run(*parts: Any, **options: Any) -> Any:
            found = method(*parts, **options)
            if inspect.isasyncgen(found):
                return self._runner.run(_listed(found))
            return self._runner.run(found) if inspect.iscoroutine(found) else found

        return run

    @contextmanager
    def call(self, **terms: Any) -> Generator[Any]:
        with self.block(self._client.call(**terms)) as call:
            yield call

    @contextmanager
    def block(self, entered: Any) -> Generator[Any]:
        """An asynchronous block as a block."""
        value = self._runner.run(entered.__aenter__())
        try:
            yield value
        except BaseException as error:
            if not self._runner.run(entered.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self._runner.run(entered.__aexit__(None, None, None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


async def _listed(found: Any) -> list[Any]:
    return [each async for each in found]
