"""FOCUS files: charges of a vendor as CSV, of which those for AI are read.

Shape: the FinOps Open Cost and Usage Specification 1.0 to 1.3 (focus.finops.org), and Allowance's
own export. The specification lets a vendor add columns, so only the columns below are read.
"""

from collections.abc import Iterator

from allowance_client.imports.fields import Fields, within_a_day
from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorDays, VendorRow

REQUIRED = (
    "BillingCurrency",
    "ChargeCategory",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "EffectiveCost",
    "ServiceCategory",
    "ServiceName",
)
VENDORS = ("ProviderName", "ServiceProviderName")
"""The column of the vendor, before FOCUS 1.3 and since."""

AI = "AI and Machine Learning"

CATEGORIES = frozenset({"Usage", "Purchase", "Tax", "Credit", "Adjustment"})

METERS = {
    "Input Tokens": "input",
    "Output Tokens": "output",
    "Cache Read Tokens": "cache_read",
    "Cache Write Tokens": "cache_write",
    "Cache Write 1H Tokens": "cache_write_1h",
    "Input Audio Tokens": "input_audio",
    "Input Image Tokens": "input_image",
    "Input Video Tokens": "input_video",
    "Cache Read Audio Tokens": "cache_read_audio",
    "Cache Read Image Tokens": "cache_read_image",
    "Cache Read Video Tokens": "cache_read_video",
    "Output Audio Tokens": "output_audio",
    "Output Image Tokens": "output_image",
    "Output Video Tokens": "output_video",
    "Output Reasoning Tokens": "output_reasoning",
    "Output Citation Tokens": "output_citation",
}
"""The meters of Allowance's own export. Other vendors have their own words, which are not read."""


def read_focus(file: ImportFile, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
    """Yield the sums of each service and day. Problems are in `findings`."""
    days = VendorDays()
    for place, cells in file.table(REQUIRED):
        fields = Fields(cells, place, findings)
        category = fields.word("ChargeCategory", CATEGORIES)
        if cells["ServiceCategory"] != AI:
            findings.leave_out("charges of services that are no AI")
        elif category != "Usage":
            findings.leave_out(f"charges of the category {category}")
        elif (row := _row(fields, options, findings)) is not None and fields.is_understood:
            days.add(row)
    return days.rows(options, findings)


def _row(fields: Fields, options: ImportOptions, findings: Findings) -> VendorRow | None:
    start, end = fields.time("ChargePeriodStart"), fields.time("ChargePeriodEnd")
    if fields.get("BillingCurrency") != "USD":
        fields.refuse("BillingCurrency", "must be USD")
    cost = fields.usd("EffectiveCost")
    if cost is None:
        fields.refuse("EffectiveCost", "required, an amount of US dollars")
    vendor = next((name for name in VENDORS if fields.get(name)), VENDORS[0])
    account = options.account or fields.optional_name("BillingAccountId")
    if not within_a_day(fields, "ChargePeriodEnd", start, end) or start is None:
        return None
    row = VendorRow(
        fields.name(vendor), account, fields.name("ServiceName"), start.date(), cost=cost
    )
    meter = fields.get("SkuMeter")
    if meter in METERS:
        row.tokens = {METERS[meter]: fields.count("ConsumedQuantity")}
    elif meter is not None:
        findings.leave_out(f"counts of the meter {meter}, which is no class of tokens")
    if fields.get("x_UsageCount") is not None:
        row.requests = fields.count("x_UsageCount")
    return row
