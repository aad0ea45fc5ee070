// Buys a plan: the server behind this page makes the purchase, Stripe's
// Payment Element pays it, and Hourbank credits the hours when Stripe says
// that the money is there.
const $ = id => document.getElementById(id);
const choose = $("choose"), pay = $("pay");
const attempt = crypto.randomUUID(); // a second click is the same purchase

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail), { status: response.status });
  return body;
}

// Stripe counts minor units as the currency does, but for these, which it
// counts in hundredths: https://docs.stripe.com/currencies#special-cases
const inHundredths = ["isk", "ugx"];

function money(amount, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  const digits = inHundredths.includes(currency) ? 2 : format.resolvedOptions().maximumFractionDigits;
  return format.format(amount / 10 ** digits);
}

async function showBalance() {
  try {
    const account = await ask("/balance");
    $("balance").textContent = `You have ${account.hours_available} hours.`;
  } catch (error) {
    $("balance").textContent = error.status === 404 ? "You have no hours yet." : error.message;
  }
}

async function showPlans() {
  const plans = (await ask("/plans")).data.filter(plan => plan.transaction_type === "package");
  $("plans").replaceChildren(...plans.map((plan, i) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "plan", value: plan.id, checked: i === 0 });
    const price = Object.assign(document.createElement("b"), { textContent: money(plan.amount, plan.currency) });
    label.append(input, plan.name, price);
    return label;
  }));
  if (!plans.length) $("plans").textContent = "Nothing is on sale.";
  choose.querySelector("button").disabled = !plans.length;
}

// follow waits for Stripe's event to reach Hourbank.
async function follow(id) {
  for (let patience = 600; patience > 0; patience--) {
    const purchase = await ask("/purchases/" + encodeURIComponent(id));
    if (purchase.payment_status === "completed") {
      $("message").textContent = `Thank you. ${purchase.hours} hours are yours.`;
      pay.hidden = true;
      return showBalance();
    }
    if (purchase.failure) $("message").textContent = purchase.failure.message;
    await new Promise(wake => setTimeout(wake, 1000));
  }
  $("message").textContent = "The payment is still under way; come back later.";
}

choose.addEventListener("submit", async event => {
  event.preventDefault();
  choose.querySelector("button").disabled = true;
  try {
    const plan = new FormData(choose).get("plan");
    const purchase = await ask("/purchases", {
      method: "POST", body: JSON.stringify({ plan }),
      headers: { "Content-Type": "application/json", "Idempotency-Key": `${attempt}-${plan}` },
    });
    const { public_key } = await ask("/config");
    choose.hidden = true;
    $("price").textContent = `${purchase.hours} hours for ${money(purchase.amount, purchase.currency)}`;
    showCardForm(public_key, purchase);
    await follow(purchase.id);
  } catch (error) {
    $("message").textContent = error.message;
    choose.querySelector("button").disabled = false;
  }
});

function showCardForm(publicKey, purchase) {
  if (!window.Stripe || !/^pk_(test|live)_\w{24,}$/.test(publicKey)) {
    const intent = Object.assign(document.createElement("code"), { textContent: purchase.stripe_payment_intent_id });
    $("message").replaceChildren("Stripe's card form needs js.stripe.com and a public key of Stripe's, and one of them is missing. In the sandbox, pay ",
      intent, " with the stand-in; this page goes on by itself.");
    return;
  }
  const stripe = window.Stripe(publicKey);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const elements = stripe.elements({ clientSecret: purchase.client_secret, appearance: { theme: dark ? "night" : "stripe" } });
  elements.create("payment").mount("#payment-element");
  pay.hidden = false;
  pay.addEventListener("submit", async event => {
    event.preventDefault();
    const button = pay.querySelector("button");
    button.disabled = true;
    // Some ways to pay leave the page and come back to return_url.
    const { error } = await stripe.confirmPayment({ elements, redirect: "if_required", confirmParams: { return_url: location.origin } });
    $("message").textContent = error ? error.message : "Thank you; one moment…";
    button.disabled = !error;
  });
}

const returned = new URLSearchParams(location.search).get("payment_intent");
showBalance();
showPlans().catch(error => { $("plans").textContent = error.message; });
if (returned) follow(returned).catch(error => { $("message").textContent = error.message; });
