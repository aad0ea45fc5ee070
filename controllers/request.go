package controllers

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hourbank/models"
	"hourbank/services/sales"
)

// maxRequestBytes bounds a request of the API, which are all small.
const maxRequestBytes = 64 << 10

// asDescribed takes a body only as the document describes it: encoding/json
// would match names in any case, let the last of two with one name win,
// replace bytes that are not UTF-8, and take null, "" or 0 for a field that
// was left out. To a refund, that would mean all that is left.
var asDescribed = strict.JoinOptions(
	strict.RejectUnknownMembers(true),
	strict.WithUnmarshalers(strict.JoinUnmarshalers(
		strict.UnmarshalFromFunc(func(d *jsontext.Decoder, _ any) error {
			if d.PeekKind() == 'n' {
				return errors.New("must not be null")
			}
			return errors.ErrUnsupported // as if this rule were not there
		}),
		strict.UnmarshalFromFunc(given[string]("must be a string that is not empty")),
		strict.UnmarshalFromFunc(given[int64]("must be a whole number other than 0")),
		strict.UnmarshalFromFunc(given[time.Time](`must be a time such as "2026-12-01T10:00:00Z"`)),
		strict.UnmarshalFromFunc(given[models.Hours](`must be a string such as "1.50", other than 0 and at most 10000000`)),
	)),
)

// given reads a value that, where it is there, says something.
func given[T comparable](must string) func(*jsontext.Decoder, *T) error {
	return func(d *jsontext.Decoder, value *T) error {
		raw, err := d.ReadValue()
		if err != nil {
			return err
		}
		var nothing T
		if json.Unmarshal(raw, value) != nil || *value == nothing {
			return errors.New(must)
		}
		return nil
	}
}

// readRequest reads a JSON body, and the key that makes the request
// repeatable. It returns a *models.Error with code payload_too_large or
// invalid_request, which names the field.
func readRequest(c *gin.Context, request any) (sales.RequestKey, error) {
	body, err := ReadBody(c, maxRequestBytes)
	if err != nil {
		return sales.RequestKey{}, err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return sales.RequestKey{}, models.Errorf(models.CodeInvalidRequest, "The body is empty; it must be one JSON object.")
	}
	if err := strict.Unmarshal(body, request, asDescribed); err != nil {
		return sales.RequestKey{}, models.Errorf(models.CodeInvalidRequest, "%s", explain(err))
	}
	canonical, err := json.Marshal(request)
	if err != nil {
		return sales.RequestKey{}, fmt.Errorf("encode a request: %w", err)
	}
	resource := strings.TrimSuffix(c.FullPath(), "/") + "/ " + c.Param("id")
	hash := sha256.Sum256(append([]byte(c.Request.Method+" "+resource+" "), canonical...))
	key := sales.RequestKey{APIKey: callerOf(c), Hash: hex.EncodeToString(hash[:])}
	if keys := c.Request.Header.Values("Idempotency-Key"); len(keys) > 0 {
		key.Key = keys[0]
		if len(keys) > 1 {
			return key, models.Errorf(models.CodeInvalidRequest, "Idempotency-Key is given twice.")
		}
		return key, models.ValidateID("Idempotency-Key", key.Key)
	}
	return key, nil
}

// explain says to a caller what is wrong with a body.
func explain(err error) string {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fieldName(syntactic.JSONPointer) + " is given twice."
		}
		return fmt.Sprintf("The body is not JSON, from byte %d on.", syntactic.ByteOffset)
	}
	semantic, ok := errors.AsType[*strict.SemanticError](err)
	field := ""
	if ok {
		field = fieldName(semantic.JSONPointer)
	}
	switch {
	case !ok || field == "":
		return "The body must be one JSON object."
	case errors.Is(err, strict.ErrUnknownName):
		return "There is no field " + field + " here."
	case semantic.Err == nil:
		return field + " must be an object."
	default:
		return field + " " + semantic.Err.Error() + "."
	}
}

// fieldName writes /checkout/success_url as checkout.success_url.
func fieldName(at jsontext.Pointer) string {
	return strings.Join(slices.Collect(at.Tokens()), ".")
}

// query reads the address's parameters, of which only those named may be
// there, once each: a misspelt filter would otherwise answer with everybody's
// rows. An empty one is as one left out. It returns a *models.Error with code
// invalid_request.
func query(c *gin.Context, names ...string) (url.Values, error) {
	values := c.Request.URL.Query()
	for name, given := range values {
		switch {
		case !slices.Contains(names, name):
			return nil, models.Errorf(models.CodeInvalidRequest, "There is no parameter %q here, only %s.", name, cmp.Or(strings.Join(names, ", "), "none"))
		case len(given) > 1:
			return nil, models.Errorf(models.CodeInvalidRequest, "%s is given twice.", name)
		}
	}
	return values, nil
}
