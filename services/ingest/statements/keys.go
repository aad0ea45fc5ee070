package statements

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// Key is an id of Stripe's by which a purchase is found.
type Key struct{ Key, PurchaseID string }

// KeysOf lists keys and whose they are, in order.
func KeysOf(owners map[string]*models.Purchase) []Key {
	keys := make([]Key, 0, len(owners))
	for key, p := range owners {
		keys = append(keys, Key{key, p.ID})
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Key, b.Key) })
	return keys
}

func keyColumns(rows []Key) []database.Column {
	return []database.Column{
		database.ColumnOf("key", "text", rows, func(k Key) string { return k.Key }),
		database.ColumnOf("purchase_id", "text", rows, func(k Key) string { return k.PurchaseID }),
	}
}

// onTakenKey leaves a key where it is.
const onTakenKey = "ON CONFLICT (key) DO NOTHING"

// InsertKeys falls short when another transaction was first with one.
func InsertKeys(rows []Key) database.Write {
	w := database.Insert("note purchase keys", "purchase_keys", rows, keyColumns(rows), onTakenKey)
	w.Short = ErrOvertaken
	return w
}

// ShareKeys notes keys that several purchases may have.
func ShareKeys(shared map[Key]bool) database.Write {
	rows := slices.SortedFunc(maps.Keys(shared), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.PurchaseID, b.PurchaseID))
	})
	w := database.Insert("note shared keys", "shared_keys", rows, keyColumns(rows), "ON CONFLICT (key, purchase_id) DO NOTHING")
	w.AtMost = true
	return w
}

// MoveKeys gives keys of merged purchases to those that took their evidence.
func MoveKeys(rows []Key) database.Write {
	return database.Write{What: "move purchase keys", Rows: len(rows), Columns: keyColumns(rows), Statement: `
		UPDATE purchase_keys SET purchase_id = r.purchase_id FROM %s WHERE purchase_keys.key = r.key`}
}

// TakeKeys notes the keys of a purchase that was just stored, and lets the
// events be tried again that wait for it. It returns a unique violation where
// a key is another purchase's.
func TakeKeys(tx *gorm.DB, p *models.Purchase) error {
	owners := map[string]*models.Purchase{}
	for _, id := range p.Evidence.IDs() {
		owners[id] = p
	}
	keys := KeysOf(owners)
	rows := InsertKeys(keys)
	rows.Statement = strings.Replace(rows.Statement, onTakenKey, "", 1)
	waiting := []string{p.ID}
	for _, key := range keys {
		waiting = append(waiting, key.Key)
	}
	return database.Store(tx, []database.Write{rows, Wake(waiting)})
}
