"""ImportDirectory: bring organizations, users, groups and tokens to a document. By IAM only."""

from typing import Any

from allowance.directory import read_directory
from allowance.directory_store import DirectoryStore, ImportedDirectory
from allowance.jobs import job
from allowance.rbac.system import DIRECTORY_IMPORTER


@job(DIRECTORY_IMPORTER, DirectoryStore)
def handler(store: DirectoryStore, event: dict[str, Any]) -> ImportedDirectory:
    return store.import_directory(read_directory(event))
