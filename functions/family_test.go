package functions

import "testing"

func TestEveryFamilyHasAManner(t *testing.T) {
	for _, f := range Families {
		m, ok := f.Manner()
		if !ok || m.Outputs == "" || m.Feed.Place == "" || m.Feed.Pad == nil || m.Feed.Colours == "" || m.Feed.Divisor == 0 ||
			m.Read.ClassIDs == "" || m.Choice && (m.Read.Corners == "" || m.Read.Unit == "") || m.NMS != (m.IoU > 0) {
			t.Errorf("%s: %+v, %v is not complete", f, m, ok)
		}
	}
	for _, f := range []Family{"", FamilyAuto, "yolov4"} {
		if _, ok := f.Manner(); ok {
			t.Errorf("%q has a manner", f)
		}
	}
}

func TestClassesAreCountedFromZero(t *testing.T) {
	coco := COCO()
	for _, test := range []struct {
		ids   string
		id    int
		class int
		name  string // empty: none
	}{
		{ClassIDsFrom0, 0, 0, "person"},
		{ClassIDsFrom0, -1, 0, ""},
		{ClassIDsFrom1, 1, 0, "person"},
		{ClassIDsFrom1, 0, 0, ""},
		{ClassIDsCOCO91, 1, 0, "person"},
		{ClassIDsCOCO91, 11, 10, "fire hydrant"},
		{ClassIDsCOCO91, 12, 0, ""},
		{ClassIDsCOCO91, 13, 11, "stop sign"},
		{ClassIDsCOCO91, 27, 24, "backpack"},
		{ClassIDsCOCO91, 47, 41, "cup"},
		{ClassIDsCOCO91, 72, 62, "tv"},
		{ClassIDsCOCO91, 90, 79, "toothbrush"},
		{ClassIDsCOCO91, 91, 0, ""},
		{ClassIDsCOCO91, 0, 0, ""},
	} {
		class, ok := Read{ClassIDs: test.ids}.ClassOf(test.id)
		if ok != (test.name != "") || ok && (class != test.class || coco[class] != test.name) {
			t.Errorf("%s %d is class %d, %v; want %d, %q", test.ids, test.id, class, ok, test.class, test.name)
		}
	}
	seen := map[int]bool{}
	for id := range 100 {
		if class, ok := (Read{ClassIDs: ClassIDsCOCO91}).ClassOf(id); ok {
			seen[class] = true
		}
	}
	if len(seen) != 80 {
		t.Errorf("COCO's ids are %d classes", len(seen))
	}
}
