"""A file of invoice lines and the mapping by which it is read, the smallest sound ones.

Belongs here: what a test changes in one place. Does not belong here: what a test expects.
"""

HEADER = "Invoice,Customer,Product,From,To,Currency,Quantity,Price,Amount,Type"
LINE = "R-1,Acme,API,2026-09-01,2026-09-30,USD,1000,0.01,10.00,Usage"
MAPPING = """\
columns:
  invoice_number: Invoice
  customer: Customer
  charge: Product
  service_start: From
  service_end: To
  currency: Currency
  quantity: Quantity
  unit_price: Price
  amount: Amount
  line_kind: Type
service_end: last_day
customers:
  by: erp_customer_number
  map: {Acme: cus_1}
charges:
  by: erp_item
  map:
    API: {charge: api_calls}
line_kinds:
  default: usage
  map: {Tax: tax, Credit: credit, Discount: discount, Fee: fee}
"""
