"""Dagster's view of the pipeline: one folder per stage, each with a build function.

Does not belong here: what a step does (orchestration/pipeline.py and the rooms it calls). An asset
refers to another by its key in orchestration/asset_keys.py, never by importing it.
"""

import warnings

import dagster as dg

# A range of landing days as one run needs BackfillPolicy, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=r".*backfill_policy.*")

# A parser that dagster-dbt brings along tells about its own successor when it is imported.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=r"sqlglotrs is deprecated")
