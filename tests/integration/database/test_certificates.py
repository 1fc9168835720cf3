"""The authorities that sign the certificates of RDS, and which of them a function reads."""

import datetime

import pytest

from allowance.database.login import CERTIFICATES, authorities
from local.certificates import by_region, name_of, read


def test_the_certificates_are_roots_of_all_regions_and_none_ends_soon() -> None:
    roots = read([CERTIFICATES / "all.pem"])
    names = {name_of(root) for root in roots}
    assert len(names) == len(roots) > 80
    assert all(root.subject == root.issuer for root in roots)
    in_two_years = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=730)
    assert [str(root.subject) for root in roots if root.not_valid_after_utc < in_two_years] == []
    assert "Amazon Root CA 1" in names
    regions = {name.split()[2] for name in names if "RDS" in name}
    assert {
        "us-east-1",
        "eu-west-1",
        "eu-central-1",
        "ap-southeast-2",
        "sa-east-1",
        "us-west-2",
    } <= regions
    files = {path.stem: read([path]) for path in CERTIFICATES.glob("*.pem")}
    assert files == by_region(roots), "python -m local.certificates made them"
    assert files.keys() == {*regions, "all"}
    assert all(len(files[region]) < 10 for region in regions)


@pytest.mark.parametrize(
    ("host", "file"),
    [
        ("allowance.cluster-abc123.eu-west-1.rds.amazonaws.com", "eu-west-1.pem"),
        ("proxy.proxy-abc123.ap-southeast-2.rds.amazonaws.com", "ap-southeast-2.pem"),
        ("allowance.abc123.us-gov-west-1.rds.amazonaws.com", "all.pem"),
        ("db.internal.example", "all.pem"),
        ("10.0.0.1", "all.pem"),
    ],
)
def test_only_the_authorities_of_the_servers_region_are_read(host: str, file: str) -> None:
    assert authorities(host) == CERTIFICATES / file
