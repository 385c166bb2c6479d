package ppp

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

var eventNames = [eventCount]string{
	"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN",
	"RTR", "RTA", "RUC", "RXJ+", "RXJ-", "RXR",
}

var actionNames = []struct {
	action action
	name   string
}{
	{tld, "tld"}, {irc, "irc"}, {zrc, "zrc"}, {scr, "scr"}, {str, "str"}, {sca, "sca"}, {scn, "scn"},
	{sta, "sta"}, {scj, "scj"}, {ser, "ser"}, {tlu, "tlu"}, {tls, "tls"}, {tlf, "tlf"},
}

// notation returns an entry as the RFC writes it, without the marks r, p and x.
func (c transition) notation() string {
	if c.to == stateCount {
		return "-"
	}
	var names []string
	for _, a := range actionNames {
		if c.do&a.action != 0 {
			names = append(names, a.name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprint(uint8(c.to))
	}
	return fmt.Sprintf("%s/%d", strings.Join(names, ","), c.to)
}

// TestTransitions compares every entry of the table with the RFC's table, which testdata has in its
// two halves.
func TestTransitions(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc1661-transitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	seen := map[string]int{} // how many columns of an event have been compared
	for line := range strings.Lines(string(text)) {
		name, entries, found := strings.Cut(line, "|")
		name = strings.TrimSpace(name)
		e := eventNamed(name)
		if !found || e == eventCount {
			continue
		}
		for _, want := range strings.Fields(entries) {
			state := seen[name]
			seen[name]++
			want = strings.TrimRight(want, "rpx")
			if got := transitions[e][state].notation(); got != want {
				t.Errorf("%s in state %v: the table has %s, RFC 1661 has %s", name, State(state), got, want)
			}
			compared++
		}
	}
	if want := int(eventCount) * int(stateCount); compared != want {
		t.Errorf("compared %d entries, want all %d", compared, want)
	}
}

func eventNamed(name string) event {
	for e, n := range eventNames {
		if n == name {
			return event(e)
		}
	}
	return eventCount
}
