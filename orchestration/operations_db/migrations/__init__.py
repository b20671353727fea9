"""Alembic's script folder, shipped inside the package and run by database.py.

Belongs here: one module per revision under versions/. Does not belong here: an alembic.ini; the
configuration is built in code, so that an installed wheel migrates itself.
"""
