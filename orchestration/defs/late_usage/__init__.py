"""Usage for signed months: announced by a sensor, corrected by a person.

Belongs here: the job that tells it and the sensor that starts it. Does not belong here: what is
late (dbt); rating a month again (defs/inspection/rerating.py).
"""
