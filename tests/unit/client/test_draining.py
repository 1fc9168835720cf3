"""A record that the service cannot read stops no other."""

import json
from contextlib import closing
from pathlib import Path

from allowance_client.draining import Drainer
from allowance_client.spill import SpillQueue
from allowance_client.transport import Connection
from tests.scripted_server import http, scripted

UNREADABLE = http(400, b'{"message":"Request body must be valid JSON."}')
RESULT = {"status": "recorded", "cost_micros": 1, "priced": True, "attributed": True}
RECORDED = http(200, json.dumps({"results": [RESULT | {"validations": []}]}).encode())


def test_what_spoils_a_request_is_found_and_kept_apart(tmp_path: Path) -> None:
    """The second of three is unreadable: the requests have 3, 1, 2, 1 and 1 records."""
    script = [UNREADABLE, RECORDED, UNREADABLE, UNREADABLE, RECORDED]
    with (
        closing(SpillQueue(tmp_path / "queue")) as queue,
        scripted(*([each] for each in script)) as server,
        Connection(server.url, "alw_a_b") as connection,
    ):
        ids = queue.put([{"id": str(n)} for n in range(3)])
        drained = Drainer(queue, connection).drain(30)
        assert [drained.results[id_].status for id_ in ids] == ["recorded", "rejected", "recorded"]
        assert ([each.id for each in queue.dead()], queue.pending()) == ([ids[1]], 0)
