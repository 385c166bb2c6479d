package similar

import "testing"

func TestTo(t *testing.T) {
	words := []string{"first-address", "name", "vlans", "max"}
	for word, want := range map[string]string{"fist-address": "first-address", "vlan": "vlans", "nam": "name", "xyz": "", "": "", "first_address": "first-address", "maximum-sessions": ""} {
		if got := To(word, words); got != want {
			t.Errorf("%q is similar to %q, want %q", word, got, want)
		}
	}
}
