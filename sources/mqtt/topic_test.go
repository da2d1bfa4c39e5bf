package mqtt

import "testing"

func TestAFilterMatchesAsTheSpecificationSays(t *testing.T) {
	for _, tt := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/+/c", "a/b/c", true},
		{"a/+/c", "a/b/d", false},
		{"+", "a", true},
		{"+", "/a", false},
		{"+/+", "/a", true},
		{"#", "a/b/c", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"#", "$SYS/a", false},
		{"+/a", "$SYS/a", false},
		{"$SYS/#", "$SYS/a", true},
	} {
		if got := matches(tt.filter, tt.topic); got != tt.want {
			t.Errorf("%q of %q: %t", tt.topic, tt.filter, got)
		}
	}
	if got := unshared("$share/g/a/#"); got != "a/#" {
		t.Errorf("the filter of a shared subscription is %q", got)
	}
}
