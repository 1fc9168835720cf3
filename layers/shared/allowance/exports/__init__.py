"""Exports and reports of spend: CSV and reports for routes, FOCUS in CSV and Parquet for S3.

Owns the columns of exports, their pages, reports in Coder's form, and the job that writes to S3.
Keeps no sums. Reads the sums by day, and the ledger hour by hour for prices. Invariants: an export
equals the ledger to 1e-12 USD. The failure of one organization stops no other.
"""
