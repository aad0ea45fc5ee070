package services

import (
	"reflect"
	"testing"

	"hourbank/models/money"
)

func TestObjectsAreKnownByTheirPrefix(t *testing.T) {
	for id, want := range map[string]money.Evidence{
		"in_1": {Invoices: map[string]money.Invoice{"in_1": {}}}, "cs_1": {Sessions: map[string]money.Session{"cs_1": {}}},
		"ch_1": {Charges: map[string]money.Charge{"ch_1": {}}}, "py_1": {Charges: map[string]money.Charge{"py_1": {}}}, "pi_1": {Payments: map[string]money.Payment{"pi_1": {}}},
	} {
		if got := objectOf(id); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", id, got)
		}
	}
}
