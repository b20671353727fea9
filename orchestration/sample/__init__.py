"""A made-up company with two months of usage, and real usage brought into Tallyhouse's own formats.

Belongs here: the seeded generator of the sample, the converter of real event sets to landing files,
the comparison of what the warehouse rated with totals computed elsewhere.
Does not belong here: anything that a production run needs; Dagster; prices, which the reference
folders hold.
"""
