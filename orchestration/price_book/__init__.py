"""The company's reference data: price book, event contracts, tables; validation; content versions.

Does not belong here: usage; rating, which is dbt's; Dagster.
"""
