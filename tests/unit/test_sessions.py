"""Workers beside a test end with it, whatever happens."""

import threading

import pytest

from tests.sessions import beside


def test_workers_stop_when_the_block_beside_them_fails() -> None:
    stopped = list[bool]()

    def work(stop: threading.Event) -> None:
        stopped.append(stop.wait(30))

    with pytest.raises(ZeroDivisionError), beside(work, work):
        raise ZeroDivisionError
    assert stopped == [True, True]


def test_an_error_of_a_worker_is_an_error_of_the_test() -> None:
    def fail(_: threading.Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), beside(fail):
        pass
