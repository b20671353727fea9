"""Stage sign_off: candidates are judged and frozen, and finance decides about a revision.

Does not belong here: the rules of a signature and the register (orchestration/billing).
"""
