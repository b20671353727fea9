"""Tallyhouse's pipeline, from usage files to what was signed, and the Dagster graph that runs it.

Belongs here: everything that decides what is due and records what was signed.
Does not belong here: talking to an ERP, a CRM or a support system, which is the adapters' part.
"""
