"""The operations database: its schema, migrations and the queries that several rooms share.

Does not belong here: business rules; what must survive for years, which is the register's; Dagster.
"""
