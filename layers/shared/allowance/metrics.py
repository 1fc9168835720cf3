"""Custom metrics in CloudWatch's embedded metric format: log lines, which need no request.

Namespace `Allowance`, dimension `service` (POWERTOOLS_SERVICE_NAME, which the template sets to the
stack's name).
Source: "Specification: Embedded metric format" in the Amazon CloudWatch User Guide,
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
"""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Allowance"
SERVER_ERRORS_FROM = 500


def count_request(route: str, outcome: str, status: int, *, database_ms: float, cold: bool) -> None:
    """Count one request: `Requests` by route and outcome; `ServerErrors`, `DatabaseTime` and
    `ColdStarts` over all routes.

    `route` is the template of the path, and `outcome` is `ok` or the name of an error: no id
    becomes a dimension.
    """
    overall = EphemeralMetrics(namespace=NAMESPACE)
    overall.add_metric("ServerErrors", MetricUnit.Count, int(status >= SERVER_ERRORS_FROM))
    overall.add_metric("DatabaseTime", MetricUnit.Milliseconds, database_ms)
    overall.add_metric("ColdStarts", MetricUnit.Count, int(cold))
    overall.flush_metrics()
    by_outcome = EphemeralMetrics(namespace=NAMESPACE)
    by_outcome.add_dimension("route", route)
    by_outcome.add_dimension("outcome", outcome)
    by_outcome.add_metric("Requests", MetricUnit.Count, 1)
    by_outcome.flush_metrics()


def count_price_book(*, held: int, newly_held: int, fell_back: bool) -> None:
    """Count one seeding: the changes of its book that wait for an owner, how many of them are new,
    and a fallback to the shipped book.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("HeldPriceChanges", MetricUnit.Count, held)
    metrics.add_metric("NewlyHeldPriceChanges", MetricUnit.Count, newly_held)
    metrics.add_metric("PriceBookFallbacks", MetricUnit.Count, int(fell_back))
    metrics.flush_metrics()


def count_alerts(*, delivered: int, failing: int, oldest_seconds: int) -> None:
    """Count one run of the delivery of alerts: delivered alerts, alerts that failed repeatedly, and
    the age of the oldest waiting alert.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("AlertsDelivered", MetricUnit.Count, delivered)
    metrics.add_metric("AlertsFailing", MetricUnit.Count, failing)
    metrics.add_metric("OldestAlertAge", MetricUnit.Seconds, oldest_seconds)
    metrics.flush_metrics()


def count_overspending(*, users_over_limit: int, unpriced_tokens: int | None) -> None:
    """Count users whose allowance is used up, and the tokens of the last day that have no price.
    None: this run did not look.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("UsersOverLimit", MetricUnit.Count, users_over_limit)
    if unpriced_tokens is not None:
        metrics.add_metric("UnpricedTokens", MetricUnit.Count, unpriced_tokens)
    metrics.flush_metrics()


def count_refused_decision() -> None:
    """Count a call that was refused before it was made."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("RefusedDecisions", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_unattributed_usage(usages: int) -> None:
    """Count usages that were recorded without a user."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("UnattributedUsage", MetricUnit.Count, usages)
    metrics.flush_metrics()


def count_lost_usage(usages: int) -> None:
    """Count usages that a door could not record, and whose gateway does not send them again."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("LostUsage", MetricUnit.Count, usages)
    metrics.flush_metrics()


def count_imported_usage(*, usages: int, refused_files: int, refused_usages: int) -> None:
    """Count one file of ImportUsage: recorded usages, the file if it was refused, and usages that
    were not recorded.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("ImportedUsages", MetricUnit.Count, usages)
    metrics.add_metric("RefusedImports", MetricUnit.Count, refused_files)
    metrics.add_metric("RefusedImportedUsages", MetricUnit.Count, refused_usages)
    metrics.flush_metrics()


def count_expired_usage(*, dropped: int, postponed: int) -> None:
    """Count one run of ExpireUsage: the dropped months, and the months that are left for the next
    run.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric("UsageMonthsDropped", MetricUnit.Count, dropped)
    metrics.add_metric("UsageMonthsPostponed", MetricUnit.Count, postponed)
    metrics.flush_metrics()


def count_job(job: str, *, succeeded: bool) -> None:
    """Count one run of a job, by the job's name: `Succeeded` and `Failed`. The heartbeat alarm
    expects `Succeeded`.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension("job", job)
    metrics.add_metric("Succeeded", MetricUnit.Count, int(succeeded))
    metrics.add_metric("Failed", MetricUnit.Count, int(not succeeded))
    metrics.flush_metrics()
