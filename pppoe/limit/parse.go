package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of Parse, wrapped together with the invalid text.
var (
	ErrValue = fmt.Errorf("give a number between 1 and %d, or none for no limit", Max)
	ErrScope = errors.New("give limits like vlan=100,client=4; they are for total, interface, vlan or client")
	ErrTwice = errors.New("two limits for the same")
)

var scopeWords = map[string]Scope{"client": PerClient, "vlan": PerVLAN, "interface": PerInterface, "total": Total}

// Parse parses limits, separated by commas: "total=60000,interface=30000,vlan=100,client=none". The
// error wraps one of the errors above and quotes the invalid text.
func Parse(text string) (l Limits, err error) {
	for item := range strings.SplitSeq(text, ",") {
		word, value, _ := strings.Cut(item, "=")
		s, ok := scopeWords[word]
		if !ok {
			return Limits{}, fmt.Errorf("%q: %w", item, ErrScope)
		}
		if *l.of(s) != 0 {
			return Limits{}, fmt.Errorf("%q: %w", item, ErrTwice)
		}
		if *l.of(s), err = parseValue(value); err != nil {
			return Limits{}, fmt.Errorf("%q: %w", item, err)
		}
	}
	return l, nil
}

// parseValue parses a number, or "none", which is -1.
func parseValue(text string) (int, error) {
	if text == "none" {
		return -1, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n < 1 || n > Max {
		return 0, ErrValue
	}
	return int(n), nil
}

// String returns the limits as Parse reads them; empty: all are defaults.
func (l Limits) String() string {
	var items []string
	for _, word := range [...]string{"total", "interface", "vlan", "client"} {
		switch n := *l.of(scopeWords[word]); {
		case n < 0:
			items = append(items, word+"=none")
		case n > 0:
			items = append(items, word+"="+strconv.Itoa(n))
		}
	}
	return strings.Join(items, ",")
}
