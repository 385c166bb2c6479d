package vlan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"upppoe/pppoe/vlan"
)

func parseSet(t testing.TB, text string) vlan.Set {
	t.Helper()
	s, err := vlan.ParseSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parseStack(t testing.TB, text string) vlan.Stack {
	t.Helper()
	if text == "untagged" {
		return vlan.Stack{}
	}
	s, err := vlan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestParseSet: what a set has at its bounds, and how it is written: ranges in order, those that
// touch joined.
func TestParseSet(t *testing.T) {
	for _, c := range []struct{ text, written, has, hasNot string }{
		{"untagged", "untagged", "untagged", "0 1 1.1"},
		{"7", "7", "7", "6 8 7.7 7.1 0x88a8:7 untagged"},
		{"1-4094", "1-4094", "1 2000 4094", "0 1.1 0x88a8:5 untagged"},
		{"100-199.1-4094", "100-199.1-4094", "100.1 199.4094 150.7", "99.1 200.1 100.0 100 0x8100:100.1"},
		{"20,10-12,untagged,13-19,5.7", "untagged,10-20,5.7", "untagged 10 20 5.7", "9 21 5 5.8"},
		{"10-20,15-30,12", "10-30", "10 30", "9 31"},
		{"1-9.5,4-6.7", "1-3.5,4-6.5,4-6.7,7-9.5", "1.5 4.5 4.7 6.7 9.5", "1.7 7.7 4.6"},
		{"1-9.5,4-6.5-7,4-6", "4-6,1-3.5,4-6.5-7,7-9.5", "4 4.5 4.7 3.5", "3 7 3.7"},
		{"1-5.9,6-10.9", "1-10.9", "1.9 10.9", "11.9 1.8"},
		{"0x9100:1-2.3-4", "0x9100:1-2.0x8100:3-4", "0x9100:2.3", "2.3"},
		{"0x88a8:5,5", "5,0x88a8:5", "5 0x88a8:5", "0x9100:5"},
		{"0", "0", "0", "untagged 1"},
		{"0-2", "untagged,0-2", "untagged 0 2", "3 0.1"},
		{"any", "any", "untagged 0 1 4094 1.1 0x9100:5.0x9300:6", ""},
		{"7,any,untagged", "any", "8 untagged", ""},
	} {
		s := parseSet(t, c.text)
		if got := s.String(); got != c.written {
			t.Errorf("%q is written as %q, want %q", c.text, got, c.written)
		}
		if again := parseSet(t, s.String()); again.String() != s.String() {
			t.Errorf("%q is written as %q, and that as %q", c.text, s, again)
		}
		for _, text := range strings.Fields(c.has) {
			if !s.Contains(parseStack(t, text)) {
				t.Errorf("%q does not have %s", c.text, text)
			}
		}
		for _, text := range strings.Fields(c.hasNot) {
			if s.Contains(parseStack(t, text)) {
				t.Errorf("%q has %s", c.text, text)
			}
		}
	}
}

// TestParseSetErrors: each error is the right one, and quotes the invalid text.
func TestParseSetErrors(t *testing.T) {
	var many []string
	for vid := range 2047 {
		many = append(many, fmt.Sprintf("%d.1,%d.3,%d.5", 2*vid, 2*vid, 2*vid))
	}
	for text, want := range map[string]struct {
		err  error
		name string
	}{
		"":                       {vlan.ErrEmpty, "no VLAN given"},
		"1,":                     {vlan.ErrEmpty, "no VLAN given"},
		"1-4095":                 {vlan.ErrVID, `"1-4095"`},
		"any,4095":               {vlan.ErrVID, `"4095"`},
		"any-5":                  {vlan.ErrVID, `"any-5"`},
		"any.5":                  {vlan.ErrVID, `"any"`},
		"9-1":                    {vlan.ErrRange, `"9-1"`},
		"1.2.3":                  {vlan.ErrDepth, `"1.2.3"`},
		"0x8863:1":               {vlan.ErrTPID, `"0x8863"`},
		"0x9999:1-2":             {vlan.ErrUnknownTPID, "0x9999"},
		"5,1.0x9999:2":           {vlan.ErrUnknownTPID, "0x9999"},
		strings.Join(many, ","):  {vlan.ErrTooManyRanges, "4096"},
		"1-4094,5000,untagged,a": {vlan.ErrVID, `"5000"`},
	} {
		_, err := vlan.ParseSet(text)
		if !errors.Is(err, want.err) || !strings.Contains(fmt.Sprint(err), want.name) {
			t.Errorf("%.40q: %v, want %v that names %s", text, err, want.err, want.name)
		}
	}
}

// TestOne: the only stack of a set.
func TestOne(t *testing.T) {
	for text, want := range map[string]bool{
		"untagged": true, "7": true, "7,7": true, "7-7": true, "7.8": true, "0x9999:7": true,
		"7-8": false, "7,untagged": false, "7.8-9": false, "7-8.9": false, "any": false, "7,7.8": false,
	} {
		only, ok := parseSet(t, text).One()
		if ok != want {
			t.Errorf("%q has one stack: %v", text, ok)
		}
		if ok && vlan.SetOf(only).String() != parseSet(t, text).String() {
			t.Errorf("the only stack of %q is %v", text, only)
		}
	}
	if _, ok := (vlan.Set{}).One(); ok || (vlan.Set{}).Contains(vlan.Stack{}) || (vlan.Set{}).String() != "" {
		t.Error("the zero value is not empty")
	}
}

// FuzzParseSet: a set has what the list of the same text has, and is read again as itself.
func FuzzParseSet(f *testing.F) {
	f.Add("untagged,0x8100:50.0x8100:1-3,9")
	f.Add("1-20.5,10-30.6-7,any")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := vlan.ParseSet(text)
		if err != nil {
			return
		}
		if again, err := vlan.ParseSet(s.String()); err != nil || again.String() != s.String() {
			t.Fatalf("%q is written as %q, which is %q: %v", text, s, again, err)
		}
		list, err := vlan.ParseList(text)
		if err != nil {
			return
		}
		for _, of := range list[:min(len(list), 100)] {
			if !s.Contains(of) {
				t.Fatalf("%q does not have %v", text, of)
			}
		}
	})
}
