"""Stage exceptions: listing them, letting one stand until a day, and the watch over their age.

Does not belong here: finding exceptions, which is dbt's; the rules of a waiver and the register
(orchestration/exceptions).
"""
