"""ImportUsage: record the calls in a log file of S3, such as LiteLLM's spend logs, whole or not at
all, and write the result beside it.
"""

from allowance.rbac.system import USAGE_IMPORTER
from allowance.triggers.jobs import job
from allowance.usage.importing import (
    ImportedObject,
    UsageImportStore,
    import_object,
    requested_object,
)
from allowance_client.imports.scheduled import ScheduledFile


@job(USAGE_IMPORTER, UsageImportStore, requested_object)
def handler(store: UsageImportStore, key: str) -> ImportedObject:
    return import_object(store, ScheduledFile, key)
