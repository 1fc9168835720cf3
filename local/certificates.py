"""The authorities that the layer trusts, from Amazon's own files: one file of all valid roots, and
one file for each region.

    python -m local.certificates global-bundle.pem AmazonRootCA1.pem ...

Without a file for its region, a function would read ninety certificates to verify one. That takes
0.1 s of each cold start.
"""

import datetime
import re
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

FOLDER = Path(__file__).parents[1] / "layers" / "shared" / "allowance" / "database" / "certificates"
ALL = "all"
OF_A_REGION = re.compile(r"Amazon RDS ((?:[a-z]+-)+\d+) Root CA")
PREVIEWS = re.compile(r"Beta|Preview")


def name_of(certificate: x509.Certificate) -> str:
    """Return the common name of the subject."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def by_region(certificates: Iterable[x509.Certificate]) -> dict[str, list[x509.Certificate]]:
    """Return the valid roots by region, and all of them under `all`. Each region includes the roots
    without a region (RDS Proxy's).
    """
    now = datetime.datetime.now(datetime.UTC)
    roots = {
        name_of(each): each
        for each in certificates
        if each.subject == each.issuer
        and each.not_valid_after_utc > now
        and not PREVIEWS.search(name_of(each))
    }
    found = {name: match[1] for name in sorted(roots) if (match := OF_A_REGION.match(name))}
    everywhere = [roots[name] for name in sorted(roots) if name not in found]
    regions = {
        region: [*(roots[name] for name in found if found[name] == region), *everywhere]
        for region in sorted(set(found.values()))
    }
    return {ALL: [*(roots[name] for name in found), *everywhere], **regions}


def read(paths: Iterable[Path]) -> list[x509.Certificate]:
    """Return every certificate in the PEM files."""
    with warnings.catch_warnings():
        # One of Amazon's certificates has the serial number 0.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return [
            each for path in paths for each in x509.load_pem_x509_certificates(path.read_bytes())
        ]


def main(paths: list[Path]) -> None:
    """Rewrite the folder, and print the number of roots in each file."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.pem"):
        old.unlink()
    for region, roots in by_region(read(paths)).items():
        texts = (f"# {name_of(each)}\n{each.public_bytes(Encoding.PEM).decode()}" for each in roots)
        (FOLDER / f"{region}.pem").write_text("".join(texts))
        print(f"{region}: {len(roots)}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
