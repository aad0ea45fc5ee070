package stripe

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"hourbank/models"
)

// CheckSignatureHeader finds what no body can mend: a header that is missing
// or malformed, or a time that is more than five minutes from now, to either
// side. It returns a *models.Error with code missing_signature or
// invalid_signature. https://docs.stripe.com/webhooks#verify-manually
func CheckSignatureHeader(header string, now time.Time) error {
	if header == "" {
		return models.Errorf(models.CodeMissingSignature, "The request has no Stripe-Signature header.")
	}
	signed, signatures := time.Time{}, 0
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return errSignature
			}
			signed = time.Unix(seconds, 0)
		case "v1":
			signatures++
		}
	}
	switch {
	case signed.IsZero() || signatures == 0:
		return errSignature
	case now.Sub(signed) > webhook.DefaultTolerance:
		return models.Errorf(models.CodeInvalidSignature, "The signature is older than five minutes.")
	case signed.Sub(now) > webhook.DefaultTolerance:
		return models.Errorf(models.CodeInvalidSignature, "The signature is of a time more than five minutes ahead.")
	default:
		return nil
	}
}

var errSignature = models.Errorf(models.CodeInvalidSignature, "The signature does not match the body with any of this endpoint's secrets.")

// Verify checks that the body carries Stripe's signature by any of the
// secrets. It returns a *models.Error with the codes of CheckSignatureHeader,
// or missing_payload.
func (s *StripeService) Verify(body []byte, header string, secrets []string) error {
	if err := CheckSignatureHeader(header, time.Now()); err != nil {
		return err
	}
	if len(body) == 0 {
		return models.Errorf(models.CodeMissingPayload, "The request has no body.")
	}
	for _, secret := range secrets {
		err := webhook.ValidatePayloadIgnoringTolerance(body, header, secret)
		if err == nil {
			return nil
		}
		if !errors.Is(err, webhook.ErrNoValidSignature) {
			break // no other secret can mend a malformed header
		}
	}
	return errSignature
}
