package advice

import (
	"slices"
	"testing"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestExplain: each answer that was dropped is told with what to do about it, then what keeps
// answers away; that nobody answers is told only where nobody has, and nothing explains it.
func TestExplain(t *testing.T) {
	all := Options{Name: "-n", Addr: "-a", Service: "-s", NoHostUniq: "say -u"}
	nameOnly := Options{Name: "-n", NoHostUniq: "omit -u"}
	ac := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	found := func(why discovery.Mismatch, services ...string) discovery.Unmatched {
		return discovery.Unmatched{AC: ac, Name: "ac", Services: services, Reason: why}
	}
	for _, c := range []struct {
		options   Options
		unmatched discovery.Unmatched
		want      string // behind the sentence about it
	}{
		{all, found(discovery.NoHostUniq), ": say -u"},
		{nameOnly, found(discovery.NoHostUniq), ": omit -u"},
		{all, found(discovery.WrongACName), ": omit -n, or set it to this name"},
		{nameOnly, found(discovery.WrongACName), ": omit -n, or set it to this name"},
		{all, found(discovery.WrongAddr), ": omit -a, or set it to this address"},
		{nameOnly, found(discovery.WrongAddr), ""},
		{all, found(discovery.WrongService), ": omit -s"},
		{all, found(discovery.WrongService, "gold"), ": omit -s, or set it to one of these"},
		{nameOnly, found(discovery.WrongService, "gold"), ""},
		{all, found(discovery.NoACName), ""},
		{all, found(discovery.HasSessionID), ""},
		{all, found(discovery.Refused), ""},
	} {
		line := c.unmatched.String() + c.want
		if got := c.options.Explain([]discovery.Unmatched{c.unmatched}, "", "nobody"); !slices.Equal(got, []string{line}) {
			t.Errorf("%q, want %q", got, line)
		}
		if got := c.options.Explain([]discovery.Unmatched{c.unmatched}, "no cable", "nobody"); !slices.Equal(got, []string{line, "no cable"}) {
			t.Errorf("without carrier: %q, want %q and that", got, line)
		}
	}
	for _, c := range []struct {
		obstacle, nobody string
		want             []string
	}{{"no cable", "nobody", []string{"no cable"}}, {"", "nobody", []string{"nobody"}}, {"", "", nil}} {
		if got := all.Explain(nil, c.obstacle, c.nobody); !slices.Equal(got, c.want) {
			t.Errorf("obstacle %q, %q: %q, want %q", c.obstacle, c.nobody, got, c.want)
		}
	}
}
