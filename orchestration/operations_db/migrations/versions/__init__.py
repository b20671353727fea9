"""The revisions of the schema, oldest first by number; a released one is never edited."""
