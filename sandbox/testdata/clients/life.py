"""Lives one payment with Debian's python3-stripe."""
import sys

import stripe

stripe.api_base, stripe.api_key = sys.argv[1:3]
stripe.enable_telemetry = False
pi = stripe.PaymentIntent.create(amount=2000, currency="eur", capture_method="manual", payment_method_types=["card"])
stripe.PaymentIntent.confirm(pi.id, payment_method="pm_card_visa", off_session=True)
pi = stripe.PaymentIntent.capture(pi.id, amount_to_capture=1500)
refund = stripe.Refund.create(payment_intent=pi.id, amount=500)
for event in stripe.Event.list(type="payment_intent.succeeded").auto_paging_iter():
    print(pi.status, pi.amount_received, refund.amount, event.type, str(event.data.object.id == pi.id).lower())
