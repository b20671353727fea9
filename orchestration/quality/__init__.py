"""Expectations on raw events and on candidates, conservation figures as check results.

Does not belong here: transformations of data; Dagster.
"""
