"""ImportDirectory: make organizations, users, groups and tokens match a document. Only IAM
grants access.
"""

from typing import Any

from allowance.directory.importer import DirectoryStore, ImportedDirectory
from allowance.directory.reading import read_directory
from allowance.rbac.system import DIRECTORY_IMPORTER
from allowance.triggers.jobs import job


@job(DIRECTORY_IMPORTER, DirectoryStore)
def handler(store: DirectoryStore, event: dict[str, Any]) -> ImportedDirectory:
    return store.import_directory(read_directory(event))
