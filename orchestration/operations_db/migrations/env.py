"""How Alembic runs here: on the connection that database.py hands over, in its transaction.

Does not belong here: an offline mode or a URL; the engine is the caller's.
"""

from alembic import context
from sqlalchemy.engine import Connection

from orchestration.operations_db.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
