"""What the usage means for each customer, told to the CRM.

Belongs here: reading the signal marts, turning rows into CRM records, pushing what differs.
Does not belong here: computing signals, which is dbt's; a CRM's wire format; Dagster.
"""
