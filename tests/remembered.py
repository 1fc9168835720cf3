"""What AWS's libraries compute again and again, although it never changes: the tests keep it."""

from functools import cache

import botocore.session
import jsonpath_ng.ext
from botocore.loaders import create_loader
from cryptography.hazmat.primitives.asymmetric import rsa


def descriptions_of_aws() -> None:
    """Read the description of a service once: for each client, botocore needs 50 ms."""
    botocore.session.create_loader = cache(create_loader)


def keys_and_paths_of_moto() -> None:
    """Sign all messages of SNS by one key, and parse a path in an event once.

    moto makes a key for each subscription, and builds a parser for each event and target.
    """
    from moto.sns.models import Subscription

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    Subscription.private_key = lambda _: key
    jsonpath_ng.ext.parse = cache(jsonpath_ng.ext.parse)
