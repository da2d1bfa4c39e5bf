package mirror

import "github.com/seed45885407/saccade/functions"

// sameBox is the overlap from which two boxes of a class are the same object; it is the
// one at which PASCAL VOC counts a detection as right.
const sameBox = 0.5

// agreement is how two answers to one picture compare, in detections.
type agreement struct {
	both, real, mirror int // found by both, by the real one alone, by the mirror alone
}

// agree pairs detections of the same class, those of the best score first, each with the
// one left that it overlaps most. Both lists are sorted by score.
func agree(real, mirrored []functions.Detection) agreement {
	taken := make([]bool, len(mirrored))
	a := agreement{real: len(real), mirror: len(mirrored)}
	for _, d := range real {
		best, at := float32(sameBox), -1
		for i, m := range mirrored {
			if taken[i] || m.Class != d.Class {
				continue
			}
			if overlap := d.Box.IoU(m.Box); overlap > best || overlap == best && at < 0 {
				best, at = overlap, i
			}
		}
		if at < 0 {
			continue
		}
		taken[at] = true
		a.both++
		a.real--
		a.mirror--
	}
	return a
}
