"""What people read: the published copy of the marts, tables for the terminal, explanations.

Does not belong here: computing a figure, which dbt does; Dagster.
"""
