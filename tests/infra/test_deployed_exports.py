"""The time limits of the deployed export of spend."""

from tests.deployed import functions


def test_an_export_run_stops_before_its_timeout_and_its_lease_after_it() -> None:
    from allowance.exports import files, job

    timeout = functions()["ExportSpend"]["Timeout"]
    # A file that is begun last has a third of the time.
    assert timeout * 2 / 3 >= job.WRITING_SECONDS
    assert timeout < files.LEASE_SECONDS
