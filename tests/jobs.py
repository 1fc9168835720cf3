"""Several jobs at once, for tests: something to do for each, and whether all of it was done."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import deliver_alerts
import expire_usage
import export_spend
import rerate_usage
from tests.alerts import raise_many
from tests.conftest import environment
from tests.exports import key, keys, table
from tests.gateway import Client, Context
from tests.ledger import assert_sums_agree, remember_entries
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import REGION, Receivers, receivers
from tests.usage import custom, in_month_before, month_before, months, results

MICROS_OF_NEW = 3
"""What a token of the model `new` costs at last. It has no price when it is used."""

COSTS = """
SELECT max(u.model), sum(u.input_tokens)::int, sum(u.output_tokens)::int, sum(u.cost_micros)::int
FROM ai_usage_ever AS u
GROUP BY coalesce(u.corrects, u.id)
"""
SUMS = """
SELECT h.organization_id, date_trunc('month', h.starts_at, 'UTC'), sum(h.cost_micros)::int,
    sum(h.usage_count)::int
FROM ai_usage_quarter_hourly AS h
GROUP BY 1, 2
"""
ALERTS = "SELECT id::text FROM ai_alerts"


@dataclass
class AtWork:
    """The surroundings of the jobs: a database with work for each of them, S3 and the receivers."""

    database: Database
    acme: Acme
    aws: Receivers
    s3: Any

    def price_new(self, micros: int) -> None:
        """Change the price of the model `new`, for all that was used of it."""
        custom(
            self.acme,
            model="new",
            input_price=micros * 1_000_000,
            output_price=0,
            effective_from="2020-01-01T00:00:00Z",
        )

    def run_each_job_once(self) -> None:
        for job in (rerate_usage, expire_usage, export_spend, deliver_alerts):
            job.handler({}, Context())

    def assert_all_is_done(self) -> int:
        """Corrected, dropped, exported and delivered. Return how many alerts came repeatedly."""
        for model, inputs, outputs, micros in self.database.rows(COSTS):
            expected = inputs * 2 + outputs * 10 if model == "m" else inputs * MICROS_OF_NEW
            assert micros == expected, model
        assert_sums_agree(self.database)
        assert months(self.database) == [month_before(1), month_before(0)]
        files = set(keys(self.s3))
        for organization, month, micros, usages in self.database.rows(SUMS):
            name = key(organization, month=f"{month:%Y-%m}")
            rows = table(self.s3, name).to_pylist()
            assert sum(row["BilledCost"] for row in rows) * 10**6 == micros
            assert sum(row["x_UsageCount"] for row in rows) == usages
            files.remove(name)
        assert files == set()
        alerts = {id_ for (id_,) in self.database.rows(ALERTS)}
        repeated = 0
        for received in (self.aws.published(), self.aws.put()):
            assert {each["id"] for each in received} == alerts
            repeated += len(received) - len(alerts)
        assert self.database.rows(
            "SELECT count(DISTINCT alert_id)::int, count(*)::int FROM ai_alert_deliveries AS d"
            " JOIN ai_alerts AS a ON a.id = d.alert_id AND a.delivered_at IS NOT NULL"
        ) == [(len(alerts), 2 * len(alerts))]
        assert self.database.rows(
            "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()"
        ) == [(0,)]
        return repeated


@contextmanager
def at_work(gateway: Client, acme: Acme, database: Database) -> Generator[AtWork]:
    """Usage of five months, some without a price until now and exported already, and alerts."""
    remember_entries(database)
    # Otherwise each run would rate all usage again, because its price is new.
    database.run("UPDATE ai_model_price_versions SET recorded_at = now() - interval '1 day'")
    for ago in (0, 1, 2, 3, 9):
        usages = [in_month_before(ago, 100 * ago + n, user=user(n)) for n in range(3)]
        if ago < 2:
            usages += [
                in_month_before(ago, 100 * ago + n, user=user(n), model="new")
                for n in range(10, 40)
            ]
        results(gateway, *usages)
    with receivers(database.app_url) as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="finops", CreateBucketConfiguration={"LocationConstraint": REGION})
        with environment(
            DATABASE_URL=database.app_url,
            USAGE_RETENTION_MONTHS="1",
            EXPORT_BUCKET="finops",
            EXPORT_FORMATS="parquet",
            AWS_ENDPOINT_URL_S3=aws.moto_url,
            **aws.environment(),
        ):
            export_spend.handler({}, Context())
            raise_many(database, acme, 100)
            made = AtWork(database, acme, aws, s3)
            made.price_new(1)
            yield made


def user(number: int) -> str:
    return ("maya", "otto", "gus")[number % 3]
