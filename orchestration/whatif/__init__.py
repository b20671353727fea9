"""What past usage would have come to with another price book or other contracts, beside today's.

Belongs here: which reference data a scenario is, rating it in a scratch data directory, comparing
it with what is rated now. Does not belong here: rating, which is dbt's; validation (price_book);
laying out and drawing (orchestration/reports); billing anything: a scenario is nobody's invoice.
"""
