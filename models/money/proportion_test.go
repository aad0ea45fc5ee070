package money

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"hourbank/models/hours"
)

func TestProportionOfRoundsHalfUp(t *testing.T) {
	rows := []struct {
		sold        hours.Hours
		part, whole int64
		want        hours.Hours
	}{
		{1000, 0, 5000, 0}, {1000, 5000, 5000, 1000}, {1000, 2500, 5000, 500},
		{100, 1, 3, 33}, {100, 2, 3, 67}, // 33.33 and 66.67
		{1, 1, 2, 1}, {3, 1, 2, 2}, {1, 499, 1000, 0}, {1, 500, 1000, 1}, // half goes up
		{5, 1, 10, 1}, {5, 3, 10, 2}, {1, 1, 3, 0}, {1, 2, 3, 1}, // odd wholes have no exact half
		{1000, 1, 999_999_999_999, 0},
		{hours.Max, 999_999_999_999, 999_999_999_999, hours.Max},
		{4_294_967_297, 4_294_967_295, 4, 1 << 62}, // half a whole more is beyond 64 bits
		{1 << 62, 4, 1, math.MaxInt64}, {1 << 62, 2, 1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, 1, math.MaxInt64},
		{1000, -2500, 5000, -500}, {1, -1, 2, -1},
		{hours.Max, 499_999_999_999_999, 1_000_000_000_000_000, 499_999_999 + 1}, // beyond 64 bits in between
	}
	for _, row := range rows {
		if got := hours.Hours(proportion(int64(row.sold), row.part, row.whole)); got != row.want {
			t.Errorf("%d × %d / %d = %d, want %d", row.sold, row.part, row.whole, got, row.want)
		}
	}
}

// Against arithmetic without bounds.
func TestProportionOfIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		sold, whole := random.Int64N(int64(hours.Max)+1), random.Int64N(1_000_000_000_000_000)+1
		part := random.Int64N(whole + 1)
		twice := new(big.Int).Mul(big.NewInt(2*sold), big.NewInt(part))
		want := twice.Add(twice, big.NewInt(whole)).Div(twice, big.NewInt(2*whole)).Int64()
		if got := proportion(sold, part, whole); got != want {
			t.Fatalf("%d × %d / %d = %d, want %d", sold, part, whole, got, want)
		}
	}
}

func TestPriceOfHours(t *testing.T) {
	terms := Terms{Amount: 5000, Currency: "eur", Hours: 1000}
	for sold, want := range map[hours.Hours]int64{0: 0, 1: 5, 150: 750, 1000: 5000, 2000: 5000} {
		if got := terms.Price(sold); got != want {
			t.Errorf("%s hours cost %d, want %d", sold, got, want)
		}
	}
	if got := (Terms{Amount: 1, Currency: "eur", Hours: 2}).Price(1); got != 1 {
		t.Errorf("half a cent is rounded to %d, want 1", got)
	}
}
