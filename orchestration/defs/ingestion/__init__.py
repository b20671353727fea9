"""Stage ingestion: reference data and usage files become versions and raw events.

Does not belong here: reading a file (orchestration/ingest), checking a price (price_book).
"""
