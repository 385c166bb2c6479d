package advice

import (
	"slices"
	"testing"

	"upppoe/pppoe"
)

// TestSearch: each answer that was dropped is told with what to do about it, then what keeps
// answers away; that nobody answers is told only where nobody has, and nothing explains it.
func TestSearch(t *testing.T) {
	all := Options{Say: "say", Name: "-n", Addr: "-a", Service: "-s", NoHostUniq: "say -u"}
	nameOnly := Options{Say: "give", Name: "-n", NoHostUniq: "leave out -u"}
	ac := pppoe.Addr{2, 0, 0x5e, 0, 0x53, 1}
	found := func(why pppoe.Mismatch, services ...string) pppoe.Unmatched {
		return pppoe.Unmatched{AC: ac, Name: "ac", Services: services, Why: why}
	}
	for _, c := range []struct {
		options   Options
		unmatched pppoe.Unmatched
		want      string // behind the sentence about it
	}{
		{all, found(pppoe.NoHostUniq), ": say -u"},
		{nameOnly, found(pppoe.NoHostUniq), ": leave out -u"},
		{all, found(pppoe.OtherName), ": leave out -n, or say this name"},
		{nameOnly, found(pppoe.OtherName), ": leave out -n, or give this name"},
		{all, found(pppoe.OtherAddr), ": leave out -a, or say this address"},
		{nameOnly, found(pppoe.OtherAddr), ""},
		{all, found(pppoe.OtherService), ": leave out -s"},
		{all, found(pppoe.OtherService, "gold"), ": leave out -s, or say one of these"},
		{nameOnly, found(pppoe.OtherService, "gold"), ""},
		{all, found(pppoe.NoACName), ""},
		{all, found(pppoe.HasSessionID), ""},
		{all, found(pppoe.RefusesUs), ""},
	} {
		line := c.unmatched.String() + c.want
		if got := c.options.Search([]pppoe.Unmatched{c.unmatched}, "", "nobody"); !slices.Equal(got, []string{line}) {
			t.Errorf("%q, want %q", got, line)
		}
		if got := c.options.Search([]pppoe.Unmatched{c.unmatched}, "no cable", "nobody"); !slices.Equal(got, []string{line, "no cable"}) {
			t.Errorf("without carrier: %q, want %q and that", got, line)
		}
	}
	for _, c := range []struct {
		obstacle, nobody string
		want             []string
	}{{"no cable", "nobody", []string{"no cable"}}, {"", "nobody", []string{"nobody"}}, {"", "", nil}} {
		if got := all.Search(nil, c.obstacle, c.nobody); !slices.Equal(got, c.want) {
			t.Errorf("obstacle %q, %q: %q, want %q", c.obstacle, c.nobody, got, c.want)
		}
	}
}
