// Lives one payment with the stripe-node in the folder that is named first.
const [folder, base, key] = process.argv.slice(2);
const required = require(require.resolve('stripe', {paths: [folder]}));
const Stripe = required.default || required;
const url = new URL(base);
const stripe = new Stripe(key, {host: url.hostname, port: url.port, protocol: 'http', telemetry: false});

(async () => {
  let pi = await stripe.paymentIntents.create({amount: 2000, currency: 'eur', capture_method: 'manual', payment_method_types: ['card']});
  await stripe.paymentIntents.confirm(pi.id, {payment_method: 'pm_card_visa'});
  pi = await stripe.paymentIntents.capture(pi.id, {amount_to_capture: 1500});
  const refund = await stripe.refunds.create({payment_intent: pi.id, amount: 500});
  for await (const event of stripe.events.list({type: 'payment_intent.succeeded'})) {
    console.log(pi.status, pi.amount_received, refund.amount, event.type, event.data.object.id === pi.id);
  }
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
