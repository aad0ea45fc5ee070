package hours_test

import (
	"fmt"

	"hourbank/models/hours"
)

// Hours are hundredths, read without floating point.
func ExampleParse() {
	lesson, err := hours.Parse("1.5")
	fmt.Println(lesson, int64(lesson), err)
	_, err = hours.Parse("1.234")
	fmt.Println(err != nil)
	// Output:
	// 1.50 150 <nil>
	// true
}
