"""The Dagster graph, one folder a stage.

Belongs here: assets, checks, jobs, schedules and sensors.
Does not belong here: logic that can be said without Dagster.
"""
