"""What a quantity costs by the price book, before any usage: asked on the spot, rated by dbt.

Does not belong here: pricing itself, which dbt does; what a customer's contract adds or takes off;
laying out the answer (orchestration/reports); Dagster.
"""

from orchestration.pricing.answer import PricedCharge, PricedLine, PricedQuantity, find_prices
from orchestration.pricing.question import PriceQuestion, PriceUnknownError

__all__ = [
    "PriceQuestion",
    "PriceUnknownError",
    "PricedCharge",
    "PricedLine",
    "PricedQuantity",
    "find_prices",
]
