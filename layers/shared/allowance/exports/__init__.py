"""Exports of spend: CSV for a route, FOCUS in CSV and Parquet for S3.

Owns the columns of exports, their pages, and the job that writes them. Does not sum usage: it reads
the sums by hour and day. Invariants: an export equals the ledger to 1e-12 USD. The failure of
one organization stops no other.
"""
