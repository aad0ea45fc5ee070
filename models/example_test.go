package models_test

import (
	"fmt"
	"time"

	"hourbank/models"
)

// A lesson draws from what expires soonest, of what is valid when the lesson is.
func ExampleLots() {
	day := func(n int) time.Time { return time.Date(2026, time.March, n, 12, 0, 0, 0, time.UTC) }
	end := day(20)
	lots := models.Lots{
		{ID: "forever", Hours: 200, CameAt: day(1)},
		{ID: "pack", Hours: 300, CameAt: day(2), ExpiresAt: &end},
	}
	lots.Sort()
	lots.Replay([]models.Draw{
		{ID: "lesson_1", Hours: 100, BookedAt: day(3), LessonAt: day(10)},
		{ID: "lesson_2", Hours: 100, BookedAt: day(4), LessonAt: day(25)}, // when the pack has ended
	})
	for _, lot := range lots {
		fmt.Println(lot.ID, lot.Drawn, "drawn,", lot.Left(), "left")
	}
	fmt.Println("next to expire:", lots.NextExpiry(day(5)).Format(time.DateOnly))
	// Output:
	// pack 1.00 drawn, 2.00 left
	// forever 1.00 drawn, 1.00 left
	// next to expire: 2026-03-20
}
