package sandbox

import "maps"

// Book is what really became of one payment intent's money, in minor units:
// the sandbox's own books, to compare a product's with.
type Book struct {
	PaymentIntent string            `json:"payment_intent"`
	Status        string            `json:"status"`
	Currency      string            `json:"currency"`
	Amount        int64             `json:"amount"`
	Received      int64             `json:"received"`
	Refunded      int64             `json:"refunded"` // by refunds neither failed nor canceled
	Disputed      int64             `json:"disputed"` // with the card's holder because of disputes
	Customer      string            `json:"customer,omitempty"`
	Invoice       string            `json:"invoice,omitempty"`
	Subscription  string            `json:"subscription,omitempty"`
	Session       string            `json:"checkout_session,omitempty"`
	Metadata      map[string]string `json:"metadata"`
}

// Books gives the books of all payment intents, oldest first.
func (s *Sandbox) Books() (books []Book) {
	s.within(func(st *state) { books = st.books() })
	return books
}

func (st *state) books() []Book {
	refunded, disputed := map[string]int64{}, map[string]int64{}
	for _, re := range st.refunds.rows {
		if re.counts() {
			refunded[string(re.PaymentIntent)] += re.Amount
		}
	}
	for _, d := range st.disputes.rows {
		disputed[d.PaymentIntent] += d.held
	}
	books := make([]Book, 0, len(st.intents.rows))
	for _, pi := range st.intents.rows {
		book := Book{
			PaymentIntent: pi.ID, Status: pi.Status, Currency: pi.Currency, Amount: pi.Amount, Received: pi.AmountReceived,
			Refunded: refunded[pi.ID], Disputed: disputed[pi.ID], Customer: string(pi.Customer), Metadata: maps.Clone(pi.Metadata),
		}
		if pi.session != nil {
			book.Session = pi.session.ID
		}
		if pi.invoice != nil {
			book.Invoice, book.Subscription = pi.invoice.ID, pi.invoice.subscriptionID()
		}
		books = append(books, book)
	}
	return books
}
