"""Why a signed month comes to something else today: each difference by its cause, adding up.

Belongs here: the states between what was signed and what is rated now, one change at a time. Does
not belong here: rating, which is dbt's; the waterfall over the states, which is the model
fct_rerating_diff; freezing or signing a correction (billing); laying out (orchestration/reports).
"""
