"""The arithmetic of the operations guide: what an idle stack costs."""

import re

import pytest

from tests.deployed import ROOT, properties


def test_the_idle_month_of_the_operations_guide_adds_up() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    table = guide.partition("| a month, idle | US$ |")[2].partition("**together**")
    parts = [float(each) for each in re.findall(r"\| ([0-9.]+)[^|]*\|$", table[0], re.MULTILINE)]
    assert len(parts) == 4
    (total,) = re.findall(r"\| \*\*(\d+)\*\* \|", table[2].splitlines()[0])
    assert round(sum(parts)) == int(total)
    interfaces = [
        each
        for each in properties("AWS::EC2::VPCEndpoint").values()
        if each.get("VpcEndpointType") == "Interface"
    ]
    assert sum(len(each["SubnetIds"]) for each in interfaces) * 730 * 0.01 == pytest.approx(
        parts[1]
    )
    assert f"some ${round(sum(parts), -1):.0f} a month" in (ROOT / "docs/deploying.md").read_text()
