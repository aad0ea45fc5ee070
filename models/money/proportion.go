package money

import (
	"math"
	"math/bits"

	"hourbank/models/hours"
)

// Price is what hours of a purchase with these terms cost, in minor units,
// rounded half up.
func (t Terms) Price(h hours.Hours) int64 {
	return proportion(t.Amount, int64(min(h, t.Hours)), int64(t.Hours))
}

// proportion gives amount × part / whole, rounded half up; of a negative part,
// the negative of what its magnitude gives. It expects amount ≥ 0, whole > 0,
// and a result that fits. The product is held in 128 bits, because hours ×
// minor units can exceed 64. Halving an odd whole drops its last half, which
// no remainder of an odd whole can equal.
func proportion(amount, part, whole int64) int64 {
	if part < 0 {
		return -proportion(amount, -part, whole)
	}
	hi, lo := bits.Mul64(uint64(amount), uint64(part))
	lo, carry := bits.Add64(lo, uint64(whole)/2, 0)
	if hi += carry; hi >= uint64(whole) {
		return math.MaxInt64 // beyond all money
	}
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(min(quotient, math.MaxInt64))
}
