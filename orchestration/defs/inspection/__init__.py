"""Stage inspection: jobs that only look, so that a person without a shell can ask the same.

Does not belong here: gathering or judging what they show (orchestration/reports, price_book).
"""
