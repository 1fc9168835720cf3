"""ImportDirectory: make organizations, users, groups and tokens match a document. Only IAM
grants access.
"""

from allowance.directory.importer import DirectoryStore, ImportedDirectory
from allowance.directory.reading import DirectoryDocument, read_directory
from allowance.rbac.system import DIRECTORY_IMPORTER
from allowance.triggers.jobs import job


@job(DIRECTORY_IMPORTER, DirectoryStore, read_directory)
def handler(store: DirectoryStore, document: DirectoryDocument) -> ImportedDirectory:
    return store.import_directory(document)
