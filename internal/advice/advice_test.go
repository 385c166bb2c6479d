package advice

import (
	"slices"
	"testing"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestExplain: each unmatched concentrator with a suggestion, then the obstacle; noAnswer only if
// there is neither.
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
		want      string // after the sentence about it
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
		{all, found(discovery.Rejected), ""},
	} {
		line := c.unmatched.String() + c.want
		if got := c.options.Explain([]discovery.Unmatched{c.unmatched}, "", "no answer"); !slices.Equal(got, []string{line}) {
			t.Errorf("%q, want %q", got, line)
		}
		if got := c.options.Explain([]discovery.Unmatched{c.unmatched}, "no cable", "no answer"); !slices.Equal(got, []string{line, "no cable"}) {
			t.Errorf("with an obstacle: %q, want %q and the obstacle", got, line)
		}
	}
	for _, c := range []struct {
		obstacle, noAnswer string
		want               []string
	}{{"no cable", "no answer", []string{"no cable"}}, {"", "no answer", []string{"no answer"}}, {"", "", nil}} {
		if got := all.Explain(nil, c.obstacle, c.noAnswer); !slices.Equal(got, c.want) {
			t.Errorf("obstacle %q, %q: %q, want %q", c.obstacle, c.noAnswer, got, c.want)
		}
	}
}
