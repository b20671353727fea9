"""Tallyhouse's pipeline: ingest, price book, billing, quality, reports, and the Dagster graph that runs them.

Belongs here: everything that decides what is due and records what was signed.
Does not belong here: talking to an ERP, a CRM or a support system, which is the adapters' part.
"""
