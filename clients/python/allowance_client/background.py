"""A thread that sends what waits, beside the callers."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from allowance_client.attempts import pause_seconds
from allowance_client.errors import AllowanceError

logger = logging.getLogger("allowance_client")

IDLE_SECONDS = 0.5


class Background:
    """Runs a task whenever it is woken, and from time to time. An error is logged, and the next run
    waits longer.
    """

    def __init__(self, task: Callable[[], object]) -> None:
        self._task = task
        self._woken, self._stopped = Event(), Event()
        self._failures = 0
        self._thread = Thread(target=self._run, name="allowance-client", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Run the task soon."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the run that it is in."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(IDLE_SECONDS)
            self._woken.clear()
            if self._stopped.is_set():
                return
            try:
                self._task()
            except AllowanceError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001
                # A full disk, for one. The thread has to live on: it is the only one that sends.
                self._failed(error)
            else:
                self._failures = 0

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        logger.warning("Nothing was sent to Allowance in the background: %s", error)
        self._stopped.wait(pause_seconds(self._failures, None))
