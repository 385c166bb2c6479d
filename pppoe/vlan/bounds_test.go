package vlan

import (
	"errors"
	"slices"
	"testing"
)

// TestEtherTypes: the ethertypes of tags that are recognized: IEEE 802.1Q table 9-1, and those used
// by switches before 802.1ad.
func TestEtherTypes(t *testing.T) {
	if want := []uint16{0x8100, 0x88a8, 0x9100, 0x9200, 0x9300}; !slices.Equal(TPIDs, want) {
		t.Errorf("%#x, want %#x", TPIDs, want)
	}
	for text, good := range map[string]bool{
		"0x05ff": false, "0x0600": true, "0x0601": true, // IEEE 802.3 section 3.2.6
		"0x8862": true, "0x8863": false, "0x8864": false, "0x8865": true, // PPPoE
		"0xffff": true, "0x10000": false, "0X88A8": true, "0x": false, "34984": false, "": false,
	} {
		if _, err := parseTPID(text); (err == nil) != good || err != nil && !errors.Is(err, ErrTPID) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestVIDs: from 0, a priority tag, to 4094 (IEEE 802.1Q table 9-2).
func TestVIDs(t *testing.T) {
	for text, good := range map[string]bool{"0": true, "1": true, "4094": true, "4095": false, "4096": false, "65535": false, "65536": false, "-1": false, "": false} {
		if _, ok := parseVID(text); ok != good {
			t.Errorf("%q: %v", text, ok)
		}
	}
}

// TestPatternSize: the size is known without making the stacks.
func TestPatternSize(t *testing.T) {
	for text, want := range map[string]int{
		"7": 1, "7-7": 1, "7-8": 2, "0-4094": 4095, "1-2.1-3": 6, "7.1-4094": 4094, "0-4094.0-4094": 4095 * 4095,
	} {
		p, err := parsePattern(text)
		if err != nil || p.size() != want {
			t.Errorf("%q has %d stacks, %v, want %d", text, p.size(), err, want)
		}
		if want > MaxList {
			continue
		}
		n := 0
		p.each(func(Stack) { n++ })
		if n != want {
			t.Errorf("%q makes %d stacks, want %d", text, n, want)
		}
	}
	if n := (pattern{}).size(); n != 1 {
		t.Errorf("the pattern of frames without tags has %d stacks", n)
	}
}

// TestListBound: at most 65,536 stacks, in one item or in several.
func TestListBound(t *testing.T) {
	for text, want := range map[string]int{
		"0-255.0-255":                   65536,
		"0-127.0-255,128-255.0-255":     65536,
		"0-255.0-255,7.7":               65536, // a duplicate
		"0-255.0-256":                   0,
		"0-256.0-255":                   0,
		"0-255.0-255,untagged":          0,
		"0-127.0-255,128-255.0-255,256": 0,
	} {
		list, err := ParseList(text)
		if len(list) != want || (want == 0) != errors.Is(err, ErrTooBig) {
			t.Errorf("%q is a list of %d, %v, want %d", text, len(list), err, want)
		}
	}
}
