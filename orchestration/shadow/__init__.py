"""Shadow mode: the invoices of the system in use today beside what is rated here.

Owns: shadow/, the files that were loaded with their mappings; which lines dbt reads of them; what
their quantities come to at our prices. Does not own: the comparison and its causes, which dbt
computes (models/shadow); tables and files for people (orchestration/reports); Dagster.

Consistency:
* a loaded file is never changed; a later one of the same month takes its place in the comparison;
* the register, the postings and everything that billing reads are only read here.
"""
