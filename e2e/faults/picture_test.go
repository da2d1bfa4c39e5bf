package main

import (
	"bytes"
	"image/jpeg"
	"testing"
)

func TestEveryEventHasItsOwnPicture(t *testing.T) {
	const large = 200_000
	picture, err := pictures(large)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range 2 * largeEvery {
		data := picture(i)
		if before, again := seen[string(data)]; again {
			t.Fatalf("events %d and %d have the same picture", before, i)
		}
		seen[string(data)] = i
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("picture %d cannot be read: %v", i, err)
		}
		if got := img.Bounds().Size(); got.X != 64 || got.Y != 48 {
			t.Errorf("picture %d is %v; want 64 by 48", i, got)
		}
		if isLarge := i%largeEvery == 5; isLarge != (len(data) >= large) {
			t.Errorf("picture %d has %d bytes", i, len(data))
		}
	}
}
