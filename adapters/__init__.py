"""The only code that talks to ERP, CRM and support systems.

Belongs here: wire clients, pure mappings, their configuration, the sandbox.
Does not belong here: what is due or who signed it; nothing here imports orchestration.
"""
