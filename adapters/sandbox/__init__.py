"""A local ERP and CRM that keep what they are told: the embedded default.

Belongs here: their books in SQLite files, their own rules, faults on demand.
Does not belong here: anything a vendor's system is spoken to with; tests' fakes.
"""
