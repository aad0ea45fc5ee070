// Package signing signs what Hourbank writes into the metadata of a sale and into
// the request of a refund, so that it knows it for its own when it reads it again.
package signing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hourbank/models"
)

// Name is the metadata's key under which the signature stands.
const Name = "hourbank_signature"

// Sale is what a signature is of: all that makes a purchase again which was not
// sold at a plan's price.
type Sale struct {
	PurchaseID, StudentID string
	BeneficiaryID         string // empty: it is no gift
	Hours                 models.Hours
	Amount                int64 // minor units
	Currency              string
}

// Signer signs sales, so that who else may write metadata can't name a price, and
// requests of refunds, so that who else may write the database can't make any.
type Signer struct{ sales, refunds [][]byte }

// NewSigner derives a key from each of the webhook's signing secrets: every
// replica has them, they outlast the database, and who holds one can forge
// whole events anyway. The first one signs, each verifies, so that what was sold
// before one is rolled is known for as long as it is listed.
func NewSigner(secrets []string) Signer {
	var s Signer
	for _, secret := range secrets {
		s.sales = append(s.sales, derive(secret, "hourbank sale"))
		s.refunds = append(s.refunds, derive(secret, "hourbank refund"))
	}
	return s
}

func derive(secret, use string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, use, sha256.Size)
	if err != nil {
		panic(fmt.Sprintf("derive the key of %s: %v", use, err)) // only for absurd lengths
	}
	return key
}

// Metadata are all that it takes to make the purchase again of Stripe's events, under
// the same id, should it be lost with a database. A plan's price is known, so
// that only others are signed.
func (s Signer) Metadata(p *models.Purchase) map[string]string {
	metadata := map[string]string{"purchase_transaction_id": p.ID, "student_id": p.StudentID}
	beneficiary := ""
	if p.BeneficiaryID != nil {
		beneficiary = *p.BeneficiaryID
		metadata["beneficiary_id"] = beneficiary
	}
	if p.PlanID != nil {
		metadata["plan"] = *p.PlanID
		return metadata
	}
	metadata["hours"], metadata["amount"] = p.Hours.String(), strconv.FormatInt(p.Amount, 10)
	if len(s.sales) > 0 {
		sale := Sale{PurchaseID: p.ID, StudentID: p.StudentID, BeneficiaryID: beneficiary, Hours: p.Hours, Amount: p.Amount, Currency: p.Currency}
		metadata[Name] = base64.RawURLEncoding.EncodeToString(sale.mac(s.sales[0]))
	}
	return metadata
}

// Verifies says whether one of the keys signed the sale.
func (s Signer) Verifies(sale Sale, signature string) bool {
	return verifies(s.sales, signature, sale.mac)
}

func verifies(keys [][]byte, signature string, mac func(key []byte) []byte) bool {
	given, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && slices.ContainsFunc(keys, func(key []byte) bool { return hmac.Equal(given, mac(key)) })
}

func (s Sale) mac(key []byte) []byte {
	fields := []string{s.PurchaseID, s.StudentID, s.Hours.String(), strconv.FormatInt(s.Amount, 10), s.Currency}
	if s.BeneficiaryID != "" {
		fields = append(fields, s.BeneficiaryID)
	}
	return macOf(key, fields...)
}

// macOf is of fields that hold no U+0000: neither engine keeps one.
func macOf(key []byte, fields ...string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(fields, "\x00")))
	return mac.Sum(nil)
}

// SignRefund signs a refund's request, which is kept until Stripe answers. It needs
// one key at least: none is refunded by a program that takes no events.
func (s Signer) SignRefund(r *models.RefundRequest) string {
	if len(s.refunds) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(refundMAC(s.refunds[0], r))
}

// VerifiesRefund says whether the request is one that we signed, for the same
// money: a row of the database is no proof that somebody asked.
func (s Signer) VerifiesRefund(r *models.RefundRequest) bool {
	return verifies(s.refunds, r.MAC, func(key []byte) []byte { return refundMAC(key, r) })
}

// refundMAC binds the time, too: Stripe forgets the id, its idempotency key, after
// a day, and would make the same refund once more. Not the reason, which may be
// forgotten with a student.
func refundMAC(key []byte, r *models.RefundRequest) []byte {
	return macOf(key, r.ID, r.TransactionID, r.Payment, strconv.FormatInt(r.Amount, 10), r.Currency, r.Actor,
		strconv.FormatInt(r.RequestedAt.UnixMicro(), 10))
}
