package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

func stacks(t *testing.T, texts string) (all []vlan.Stack) {
	t.Helper()
	for _, text := range strings.Fields(texts) {
		s, err := vlan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestPairSearch: the likely pairs come first, within the bound; what is asked is said in the syntax of option --vlan.
func TestPairSearch(t *testing.T) {
	for used, want := range map[string]string{
		"":                           "",
		"100":                        "0x8100:100.0x8100:1-4094",
		"0x88a8:100":                 "100.1-4094",
		"100.7":                      "100.7,100.1-4094,1-4094.7",
		"0x88a8:100 100.7 100.8":     "100.7,100.8,100.1-4094,1-4094.7",
		"100.7 100.8 300.9":          "100.7,100.8,300.9,100.1-4094,300.1-4094",
		"0x8100:5.0x8100:6 0x8100:9": "0x8100:5.0x8100:6,0x8100:5.0x8100:1-4094,0x8100:9.0x8100:1-4094",
	} {
		s := newPairSearch(stacks(t, used))
		if got := strings.Join(s.names, ","); got != want {
			t.Errorf("%q: asks %s, want %s", used, got, want)
			continue
		}
		if want == "" {
			continue
		}
		list, err := vlan.ParseList(want)
		if err != nil || len(s.pairs) > maxPairs {
			t.Fatalf("%q: %d pairs, %v", used, len(s.pairs), err)
		}
		for _, pair := range list {
			if !slices.Contains(s.pairs, pair) {
				t.Fatalf("%q: %v is not asked", used, pair)
			}
		}
	}
}

// TestTagListener: tags are collected once each, in order, up to a bound; a priority tag is none.
func TestTagListener(t *testing.T) {
	l := &tagListener{}
	frame := make([]byte, 60)
	for _, s := range stacks(t, "0 7 7 8.9 7") {
		l.collect([]datapath.Frame{{Data: s.Insert(frame, 5)}, {Data: s.Insert(frame, 0)[:13]}})
	}
	if got := fmt.Sprint(l.seen); got != fmt.Sprint(stacks(t, "7 8.9")) {
		t.Errorf("collected %s", got)
	}
	for _, s := range stacks(t, "1 2 3 4 5 6 10 11 12") {
		l.collect([]datapath.Frame{{Data: s.Insert(frame, 0)}})
	}
	if len(l.seen) != maxSeenTags {
		t.Errorf("collected %d", len(l.seen))
	}
}
