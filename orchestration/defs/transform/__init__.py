"""Stage transform: what dbt reads is written, dbt builds its models, conservation is judged.

Does not belong here: a model (dbt_project), a figure (fct_conservation), a step (pipeline.py).
"""
