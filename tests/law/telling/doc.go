package telling

// How the page was read where it can be read in several ways. The numbers are
// those of the report that came with this package.
//
//  1. What Checkout Sessions and invoice_payment say was paid is also what
//     their PaymentIntent received, so that a refund of it counts where no
//     event told of the PaymentIntent itself. Of an invoice before basil that
//     goes for the PaymentIntent it names, where nothing else is known of it,
//     it is the only one, and the invoice wasn't paid out of band.
//  2. The total of an invoice stays what is due where a credit note came
//     before the payment; received is less. So it is underpaid, and buys
//     nothing until staff accept it.
//  3. Refunded includes what credit notes gave back, so that received less
//     refunded less disputed is kept.
//  4. Of a total that a refund by id explains in part, the rest is read by the
//     rules for a total: where it is exactly what was authorised and not
//     captured, it is the release. A release that is known by its own refund
//     is in every later total.
//  5. unclear_refund is open where a total holds something that no refund
//     explains and that could be the release, unless the release is known by
//     its refund, the total is above what was captured, or an older event's
//     rest is exactly the release.
//  6. Two events of one second show the same total with an older and a newer
//     version: the older one's reading. Two totals of one second: the larger.
//  7. The second of the capture is the first one in which any event showed it.
//  8. A PaymentIntent's success names the charge that holds its money; without
//     one its charge's shape is what the PaymentIntent says of amount and
//     amount_received.
//  9. A dispute waits for an answer in needs_response and
//     warning_needs_response, and in no other status.
// 10. refund_failed closes with another refund of the same amount and payment
//     created since the failure, which may fail in turn; one closes one. One
//     case a payment: the sum.
// 11. Held and shared amounts are rounded half up, each; 5 % is inclusive.
// 12. A dispute in another currency than its payment opens other_currency.
// 13. Hours of an invoice are rounded half up once, over all its lines.
// 14. The price of an invoice's purchase is what its hours' lines cost before
//     discounts and tax.
// 15. Where a session or PaymentIntent began the purchase and an invoice of it
//     has lines that buy hours, these say price and hours.
// 16. A session whose subtotal isn't one plan's price begins nothing.
// 17. Every event about a payment begins a purchase, also one that failed,
//     expired or was only created.
// 18. A session that is complete and unpaid is a sign that it is under way; an
//     expired session, a void and an uncollectible invoice are cancelled, and
//     so are the payments that pay them.
// 19. A success of too little is no sign: an earlier one stays.
// 20. A sale's own PaymentIntent is known, told or not.
// 21. amount_details count of PaymentIntents that received money.
// 22. An owner who changes later is the owner of every invoice that names no
//     student itself.
// 23. A dispute of a payment in another currency that nothing explains has no
//     say in the status.
// 24. underpaid is what is missing of received; overpaid is kept less due;
//     other_currency is what is kept of it.
// 25. An invoice's line that is no plan's is no hours, and no case as long as
//     another line is.
// 26. A PaymentIntent that pays several invoices is no purchase's key.
// 27. Events of types that contract.md doesn't list tell nothing, not even ids.
// 28. What was given back beyond what was received counts nowhere: refunds and
//     disputes by payment, credit notes by invoice.
// 29. A refund that was asked for as hours takes nothing but their share, and
//     at most all of it; what is beyond that was of the other lines.
