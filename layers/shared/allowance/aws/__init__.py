"""AWS without its SDK at import: signatures, secrets, objects of S3, custom resources.

Owns every request to AWS. Knows no domain. Invariant: importing a module here imports no boto3.
"""
