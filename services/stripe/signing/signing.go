// Package signing signs what Hourbank writes into the metadata of a sale, so
// that it knows it for its own when Stripe shows it again.
package signing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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
	Hours                 models.Hours
	Amount                int64 // minor units
	Currency              string
}

// Signer signs sales, so that who else may write metadata can't name a price.
type Signer struct{ keys [][]byte }

// NewSigner derives a key from each of the webhook's signing secrets: every
// replica has them, they outlast the database, and who holds one can forge
// whole events anyway. The first one signs, each verifies, so that what was sold
// before one is rolled is known for as long as it is listed.
func NewSigner(secrets []string) Signer {
	var s Signer
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, "hourbank sale", sha256.Size)
		if err != nil {
			panic(fmt.Sprintf("derive the key of sales: %v", err)) // only for absurd lengths
		}
		s.keys = append(s.keys, key)
	}
	return s
}

// Metadata are all that it takes to make the purchase again of Stripe's events, under
// the same id, should it be lost with a database. A plan's price is known, so
// that only others are signed.
func (s Signer) Metadata(p *models.Purchase) map[string]string {
	metadata := map[string]string{"purchase_transaction_id": p.ID, "student_id": p.StudentID}
	if p.PlanID != nil {
		metadata["plan"] = *p.PlanID
		return metadata
	}
	metadata["hours"], metadata["amount"] = p.Hours.String(), strconv.FormatInt(p.Amount, 10)
	if len(s.keys) > 0 {
		sale := Sale{PurchaseID: p.ID, StudentID: p.StudentID, Hours: p.Hours, Amount: p.Amount, Currency: p.Currency}
		metadata[Name] = base64.RawURLEncoding.EncodeToString(sale.mac(s.keys[0]))
	}
	return metadata
}

// Verifies says whether one of the keys signed the sale.
func (s Signer) Verifies(sale Sale, signature string) bool {
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	for _, key := range s.keys {
		if hmac.Equal(given, sale.mac(key)) {
			return true
		}
	}
	return false
}

// mac is of fields that hold no U+0000: neither engine keeps one.
func (s Sale) mac(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{s.PurchaseID, s.StudentID, s.Hours.String(), strconv.FormatInt(s.Amount, 10), s.Currency}, "\x00")))
	return mac.Sum(nil)
}
