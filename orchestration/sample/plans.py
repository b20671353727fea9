"""The sample company's price list: three plans in three currencies.

Belongs here: the text of the plans' YAML files, comments for people included.
Does not belong here: what a meter counts, which is catalogue's; negotiated prices, which are
company's overrides.
"""

from typing import Final

STARTER: Final = """\
# For teams that try things out. No compute: jobs of a starter customer have no price, and turn up
# as exceptions until somebody decides.
plans:
  - id: starter
    name: Starter
    charges:
      - id: starter_fee
        name: Starter plan
        product: platform
        model: flat
        timing: advance
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {amount: "99"}
              EUR: {amount: "89"}
              JPY: {amount: "14800"}

      - id: starter_api_calls
        name: API calls
        product: api
        meter: api_calls
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.045"}
              EUR: {unit_price: "0.041"}
              JPY: {unit_price: "6.6"}
          # Announced in July 2026 with three months' notice.
          - effective_from: 2026-10-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.05"}
              EUR: {unit_price: "0.046"}
              JPY: {unit_price: "7.4"}

      - id: starter_egress
        name: Data transfer
        product: egress
        meter: egress_bytes
        model: graduated
        convert: {divide: 1000000000, unit: GB}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "5", unit_price: "0"}, {unit_price: "0.12"}]}
              EUR: {tiers: [{up_to: "5", unit_price: "0"}, {unit_price: "0.11"}]}
              JPY: {tiers: [{up_to: "5", unit_price: "0"}, {unit_price: "18"}]}

      - id: starter_input_tokens
        name: Input tokens
        product: models
        meter: input_tokens
        model: per_unit
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "4.00"}
              EUR: {unit_price: "3.70"}
              JPY: {unit_price: "590"}

      - id: starter_output_tokens
        name: Output tokens
        product: models
        meter: output_tokens
        model: per_unit
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "16.00"}
              EUR: {unit_price: "14.80"}
              JPY: {unit_price: "2360"}

      # The first 50 GB are part of the plan.
      - id: starter_storage
        name: Storage
        product: storage
        meter: stored_gb
        model: graduated
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "50", unit_price: "0"}, {unit_price: "0.25"}]}
              EUR: {tiers: [{up_to: "50", unit_price: "0"}, {unit_price: "0.23"}]}
              JPY: {tiers: [{up_to: "50", unit_price: "0"}, {unit_price: "37"}]}

      - id: starter_seats
        name: Seats
        product: seats
        meter: seats
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "15"}
              EUR: {unit_price: "14"}
              JPY: {unit_price: "2200"}
"""

GROWTH: Final = """\
# For companies that run on us.
plans:
  - id: growth
    name: Growth
    charges:
      - id: growth_fee
        name: Growth plan
        product: platform
        model: flat
        timing: advance
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {amount: "499"}
              EUR: {amount: "459"}
              JPY: {amount: "74000"}

      # The first 500 calls are free; then every thousand that has begun is a whole package.
      - id: growth_api_calls
        name: API calls
        product: api
        meter: api_calls
        model: package
        package_rounding: up
        free_quantity: 500
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {package_size: "1000", package_price: "32.00"}
              EUR: {package_size: "1000", package_price: "29.50"}
              JPY: {package_size: "1000", package_price: "4700"}

      - id: growth_egress
        name: Data transfer
        product: egress
        meter: egress_bytes
        model: graduated
        convert: {divide: 1000000000, unit: GB}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "10", unit_price: "0.10"}, {unit_price: "0.08"}]}
              EUR: {tiers: [{up_to: "10", unit_price: "0.092"}, {unit_price: "0.074"}]}
              JPY: {tiers: [{up_to: "10", unit_price: "15"}, {unit_price: "12"}]}

      - id: growth_input_tokens
        name: Input tokens
        product: models
        meter: input_tokens
        model: graduated
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "20", unit_price: "3.00"}, {unit_price: "2.40"}]}
              EUR: {tiers: [{up_to: "20", unit_price: "2.75"}, {unit_price: "2.20"}]}
              JPY: {tiers: [{up_to: "20", unit_price: "440"}, {unit_price: "355"}]}

      - id: growth_output_tokens
        name: Output tokens
        product: models
        meter: output_tokens
        model: graduated
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "2", unit_price: "12.00"}, {unit_price: "9.60"}]}
              EUR: {tiers: [{up_to: "2", unit_price: "11.00"}, {unit_price: "8.80"}]}
              JPY: {tiers: [{up_to: "2", unit_price: "1770"}, {unit_price: "1415"}]}

      # All of it at the price of the tier that it falls in.
      - id: growth_storage
        name: Storage
        product: storage
        meter: stored_gb
        model: volume
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD:
                tiers:
                  - {up_to: "500", unit_price: "0.22"}
                  - {up_to: "2000", unit_price: "0.19"}
                  - {unit_price: "0.16"}
              EUR:
                tiers:
                  - {up_to: "500", unit_price: "0.20"}
                  - {up_to: "2000", unit_price: "0.175"}
                  - {unit_price: "0.15"}
              JPY:
                tiers:
                  - {up_to: "500", unit_price: "33"}
                  - {up_to: "2000", unit_price: "28"}
                  - {unit_price: "24"}

      - id: growth_compute
        name: Compute
        product: compute
        meter: core_seconds
        model: per_unit
        convert: {divide: 3600, unit: core-hour}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.32"}
              EUR: {unit_price: "0.295"}
              JPY: {unit_price: "47"}

      - id: growth_reserved_memory
        name: Reserved memory
        product: compute
        meter: peak_memory_gb
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "1.20"}
              EUR: {unit_price: "1.10"}
              JPY: {unit_price: "178"}

      - id: growth_seats
        name: Seats
        product: seats
        meter: seats
        model: graduated
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "10", unit_price: "20"}, {unit_price: "16"}]}
              EUR: {tiers: [{up_to: "10", unit_price: "18.50"}, {unit_price: "15"}]}
              JPY: {tiers: [{up_to: "10", unit_price: "2950"}, {unit_price: "2350"}]}
"""

ENTERPRISE: Final = """\
# List prices; who negotiated others has an override (tables/overrides.csv).
plans:
  - id: enterprise
    name: Enterprise
    charges:
      - id: enterprise_fee
        name: Enterprise plan
        product: platform
        model: flat
        timing: advance
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {amount: "4500"}
              EUR: {amount: "4150"}
              JPY: {amount: "665000"}

      # Support is invoiced after it was given.
      - id: enterprise_support
        name: Premium support
        product: support
        model: flat
        timing: arrears
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {amount: "1200"}
              EUR: {amount: "1100"}
              JPY: {amount: "178000"}

      # Whoever enters the second tier pays once for the larger gateway.
      - id: enterprise_api_calls
        name: API calls
        product: api
        meter: api_calls
        model: graduated
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD:
                tiers:
                  - {up_to: "2500", unit_price: "0.028"}
                  - {unit_price: "0.021", flat_amount: "75"}
              EUR:
                tiers:
                  - {up_to: "2500", unit_price: "0.026"}
                  - {unit_price: "0.0195", flat_amount: "70"}
              JPY:
                tiers:
                  - {up_to: "2500", unit_price: "4.1"}
                  - {unit_price: "3.1", flat_amount: "11000"}

      - id: enterprise_egress
        name: Data transfer
        product: egress
        meter: egress_bytes
        model: per_unit
        convert: {divide: 1000000000, unit: GB}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.06"}
              EUR: {unit_price: "0.055"}
              JPY: {unit_price: "9"}

      - id: enterprise_input_tokens
        name: Input tokens
        product: models
        meter: input_tokens
        model: graduated
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "50", unit_price: "2.60"}, {unit_price: "1.90"}]}
              EUR: {tiers: [{up_to: "50", unit_price: "2.40"}, {unit_price: "1.75"}]}
              JPY: {tiers: [{up_to: "50", unit_price: "385"}, {unit_price: "280"}]}

      - id: enterprise_output_tokens
        name: Output tokens
        product: models
        meter: output_tokens
        model: volume
        convert: {divide: 1000000, unit: 1M tokens}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "5", unit_price: "10.00"}, {unit_price: "8.00"}]}
              EUR: {tiers: [{up_to: "5", unit_price: "9.20"}, {unit_price: "7.40"}]}
              JPY: {tiers: [{up_to: "5", unit_price: "1480"}, {unit_price: "1180"}]}

      - id: enterprise_storage
        name: Storage
        product: storage
        meter: stored_gb
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.14"}
              EUR: {unit_price: "0.13"}
              JPY: {unit_price: "21"}

      - id: enterprise_compute
        name: Compute
        product: compute
        meter: core_seconds
        model: graduated
        convert: {divide: 3600, unit: core-hour}
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {tiers: [{up_to: "1000", unit_price: "0.27"}, {unit_price: "0.22"}]}
              EUR: {tiers: [{up_to: "1000", unit_price: "0.25"}, {unit_price: "0.20"}]}
              JPY: {tiers: [{up_to: "1000", unit_price: "40"}, {unit_price: "33"}]}

      - id: enterprise_reserved_memory
        name: Reserved memory
        product: compute
        meter: peak_memory_gb
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD: {unit_price: "0.95"}
              EUR: {unit_price: "0.88"}
              JPY: {unit_price: "140"}

      # All seats at the price of the tier reached.
      - id: enterprise_seats
        name: Seats
        product: seats
        meter: seats
        model: volume
        versions:
          - effective_from: 2025-01-01
            author: ana.ruiz@brightloop.example
            prices:
              USD:
                tiers:
                  - {up_to: "40", unit_price: "32"}
                  - {up_to: "100", unit_price: "28"}
                  - {unit_price: "24"}
              EUR:
                tiers:
                  - {up_to: "40", unit_price: "29.50"}
                  - {up_to: "100", unit_price: "26"}
                  - {unit_price: "22"}
              JPY:
                tiers:
                  - {up_to: "40", unit_price: "4750"}
                  - {up_to: "100", unit_price: "4150"}
                  - {unit_price: "3550"}
"""
