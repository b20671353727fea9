"""What the stages share: owners, failures, checks with figures, the installation's verification.

Does not belong here: an asset of another stage.
"""
