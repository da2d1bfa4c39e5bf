package recall

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// teach makes the room know the answer to a picture.
func teach(room *Room, revision, picture string, answer functions.Answer) Tag {
	tag := room.Tag(revision, functions.Parameters{}, []byte(picture))
	room.keep(Ask{Revision: revision, Tag: tag}, answer)
	return tag
}

func TestWhatWasAnsweredIsKnownForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(Options{CacheBytes: 1 << 20, CacheAge: time.Minute})
		answer := functions.Answer{
			ModelSum: "5um", Detections: []functions.Detection{{Class: "cat", Score: .5}}, Cold: true,
			Timing: functions.Timing{Infer: functions.Millis(time.Second)}, Start: functions.Start{Load: functions.Millis(time.Second)},
		}
		if room.Holds("eye-00001") {
			t.Error("it holds something of a revision it has not seen")
		}
		tag := teach(room, "eye-00001", "a", answer)
		got, found := room.Find(tag)
		want := functions.Answer{ModelSum: answer.ModelSum, Detections: answer.Detections} // nothing was done
		if diff := cmp.Diff(want, got); diff != "" || !found {
			t.Errorf("found %v (-want +got):\n%s", found, diff)
		}
		if !room.Holds("eye-00001") || room.Holds("eye-00002") {
			t.Error("it does not know of which revision it holds something")
		}
		time.Sleep(time.Minute)
		if _, found := room.Find(tag); found || room.Holds("eye-00001") || room.cache.held != 0 {
			t.Errorf("found %v when its time was over, %d bytes held", found, room.cache.held)
		}
	})
}

func TestTheCacheKeepsToItsBytesAndForgetsWhatIsUsedLeast(t *testing.T) {
	one := sizeOf(functions.Answer{}, "eye-00001")
	room := New(Options{CacheBytes: 3 * one})
	var tags []Tag
	for n := range 3 {
		tags = append(tags, teach(room, "eye-00001", fmt.Sprint(n), functions.Answer{}))
	}
	room.Find(tags[0])
	tags = append(tags, teach(room, "eye-00001", "3", functions.Answer{}))
	for n, want := range []bool{true, false, true, true} {
		if _, found := room.Find(tags[n]); found != want {
			t.Errorf("%d: found %v, want %v", n, found, want)
		}
	}
	teach(room, "eye-00001", "3", functions.Answer{}) // the same again takes no more
	if room.cache.held != 3*one || room.cache.evictions != 1 {
		t.Errorf("%d bytes, %d evictions", room.cache.held, room.cache.evictions)
	}
	tag := teach(room, "eye-00001", "large", functions.Answer{Detections: make([]functions.Detection, 1000)})
	if _, found := room.Find(tag); found || len(room.cache.entries) != 3 {
		t.Errorf("an answer larger than all was kept, or drove out others: %d left", len(room.cache.entries))
	}
}

func TestDrawnPicturesAreNotKept(t *testing.T) {
	room := New(Options{CacheBytes: 1 << 20})
	tag := teach(room, "eye-00001", "a", functions.Answer{Annotated: &functions.Annotated{Data: []byte("x")}})
	if _, found := room.Find(tag); found {
		t.Error("one was")
	}
}

func TestTags(t *testing.T) {
	room := New(Options{CacheBytes: 1})
	base := room.Tag("eye-00001", functions.Parameters{}, picture)
	if base != room.Tag("eye-00001", functions.Parameters{}, picture) {
		t.Error("the same question has two tags")
	}
	others := map[string]Tag{
		"another revision":    room.Tag("eye-00002", functions.Parameters{}, picture),
		"another score":       room.Tag("eye-00001", functions.Parameters{MinScore: new(0.1)}, picture),
		"drawn":               room.Tag("eye-00001", functions.Parameters{Draw: "png"}, picture),
		"another picture":     room.Tag("eye-00001", functions.Parameters{}, picture[1:]),
		"after a restart":     New(Options{CacheBytes: 1}).Tag("eye-00001", functions.Parameters{}, picture),
		"parts cut elsewhere": room.Tag("eye-0000", functions.Parameters{}, append([]byte("1"), picture...)),
	}
	for name, tag := range others {
		if tag == base || tag.IsZero() || len(tag.String()) != 32 {
			t.Errorf("%s: %v", name, tag)
		}
	}
	if !New(Options{}).Tag("eye-00001", functions.Parameters{}, picture).IsZero() {
		t.Error("a tag without a cache")
	}
}
