package vlan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"upppoe/pppoe/vlan"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]vlan.Stack{
		"50":                   {{0x8100, 50}},
		"0":                    {{0x8100, 0}},
		"4094":                 {{0x8100, 4094}},
		"50.100":               {{0x88a8, 50}, {0x8100, 100}},
		"0x88A8:50":            {{0x88a8, 50}},
		"0x8100:50.100":        {{0x8100, 50}, {0x8100, 100}},
		"0x8100:50.0x8100:100": {{0x8100, 50}, {0x8100, 100}},
		"0x9100:7.8":           {{0x9100, 7}, {0x8100, 8}},
		"50.0x88a8:100":        {{0x88a8, 50}, {0x88a8, 100}},
	} {
		got, err := vlan.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
		if again, err := vlan.Parse(got.String()); again != got {
			t.Errorf("%q is written as %q, which is %v (%v)", text, got.String(), again, err)
		}
	}
}

// TestParseErrors: each error is the right one and quotes the invalid text.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]struct {
		err  error
		name string
	}{
		"":                {vlan.ErrEmpty, "50.100"},
		"4095":            {vlan.ErrVID, `"4095"`},
		"5000":            {vlan.ErrVID, `"5000"`},
		"70000":           {vlan.ErrVID, `"70000"`},
		"x":               {vlan.ErrVID, `"x"`},
		"-1":              {vlan.ErrVID, `"-1"`},
		"50.":             {vlan.ErrVID, `""`},
		"50.4095":         {vlan.ErrVID, `"4095"`},
		"50 ":             {vlan.ErrVID, `"50 "`},
		"1.2.3":           {vlan.ErrDepth, `"1.2.3"`},
		"1-2":             {vlan.ErrVID, `"1-2"`},
		"8100:50":         {vlan.ErrTPID, `"8100"`},
		"0x81000:50":      {vlan.ErrTPID, `"0x81000"`},
		"0x05ff:50":       {vlan.ErrTPID, `"0x05ff"`},
		"0x8863:50":       {vlan.ErrTPID, `"0x8863"`},
		"0x8100:50.q:100": {vlan.ErrTPID, `"q"`},
		"untagged":        {vlan.ErrVID, `"untagged"`},
	} {
		_, err := vlan.Parse(text)
		if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.name) {
			t.Errorf("%q: %v, want %v that names %s", text, err, want.err, want.name)
		}
	}
}

func TestString(t *testing.T) {
	for want, s := range map[string]vlan.Stack{
		"untagged":             {},
		"50":                   {{0x8100, 50}},
		"50.100":               {{0x88a8, 50}, {0x8100, 100}},
		"0x8100:50.0x8100:100": {{0x8100, 50}, {0x8100, 100}},
		"0x88a8:1":             {{0x88a8, 1}},
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseList(t *testing.T) {
	for text, want := range map[string]string{
		"50":                  "50",
		"1-3":                 "1 2 3",
		"7,5-6,5":             "7 5 6",
		"untagged,4094":       "untagged 4094",
		"50.1-3":              "50.1 50.2 50.3",
		"10-11.100-101":       "10.100 10.101 11.100 11.101",
		"0x8100:1-2.0x8100:9": "0x8100:1.0x8100:9 0x8100:2.0x8100:9",
	} {
		list, err := vlan.ParseList(text)
		var got []string
		for _, s := range list {
			got = append(got, s.String())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	if all, err := vlan.ParseList("1-4094"); err != nil || len(all) != 4094 {
		t.Errorf("1-4094 are %d VLANs: %v", len(all), err)
	}
	if all, err := vlan.ParseList("0-15.1-4094,0"); err != nil || len(all) != 16*4094+1 {
		t.Errorf("16 times 4094 are %d VLANs: %v", len(all), err)
	}
}

func TestParseListErrors(t *testing.T) {
	for text, want := range map[string]error{
		"":                         vlan.ErrEmpty,
		"1,,2":                     vlan.ErrEmpty,
		"1-":                       vlan.ErrVID,
		"-5":                       vlan.ErrVID,
		"1-2-3":                    vlan.ErrVID,
		"1-4095":                   vlan.ErrVID,
		"9-1":                      vlan.ErrRange,
		"1-4094.1-4094":            vlan.ErrTooBig,
		"1-10.1-4094,11-20.1-4094": vlan.ErrTooBig,
		"1.2.3":                    vlan.ErrDepth,
	} {
		if _, err := vlan.ParseList(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// TestFrame: tags are encoded as in IEEE 802.1Q, and Split decodes them.
func TestFrame(t *testing.T) {
	addresses := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, c := range []struct {
		stack    vlan.Stack
		priority uint8
		want     []byte
	}{
		{vlan.Stack{}, 7, nil},
		{vlan.Stack{{0x8100, 50}}, 0, []byte{0x81, 0, 0, 50}},
		{vlan.Stack{{0x88a8, 4094}, {0x8100, 1}}, 6, []byte{0x88, 0xa8, 0xcf, 0xfe, 0x81, 0, 0xc0, 1}},
	} {
		tags := c.stack.Append(nil, c.priority)
		if !bytes.Equal(tags, c.want) {
			t.Errorf("%v with priority %d is % x, want % x", c.stack, c.priority, tags, c.want)
		}
		frame := append(append(append([]byte(nil), addresses...), tags...), 0x88, 0x63, 0x11)
		if got := c.stack.Insert(append(addresses, 0x88, 0x63, 0x11), c.priority); !bytes.Equal(got, frame) {
			t.Errorf("%v is inserted as % x, want % x", c.stack, got, frame)
		}
		got, etherType, ok := vlan.Split(frame)
		if got != c.stack || etherType != 0x8863 || !ok {
			t.Errorf("% x splits into %v and %#x (%v)", frame, got, etherType, ok)
		}
		for n := range len(frame) - 1 {
			if _, _, ok := vlan.Split(frame[:n]); ok {
				t.Errorf("% x splits, but is truncated", frame[:n])
			}
		}
		if _, _, ok := vlan.Strip(frame[:13]); ok {
			t.Error("a truncated frame is stripped")
		}
		s, rest, ok := vlan.Strip(bytes.Clone(frame))
		if want := append(addresses, 0x88, 0x63, 0x11); s != c.stack || !bytes.Equal(rest, want) || !ok {
			t.Errorf("% x without tags is % x (%v), want % x", frame, rest, ok, want)
		}
	}
	three := append(addresses, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x88, 0x63)
	if s, _, ok := vlan.Split(three); ok {
		t.Errorf("three tags split into %v", s)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("untagged,0x8100:50.0x8100:1-3,9")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := vlan.ParseList(text)
		if err != nil {
			return
		}
		for _, s := range list[:min(len(list), 20)] {
			again, err := vlan.ParseList(s.String())
			if err != nil || len(again) != 1 || again[0] != s {
				t.Fatalf("%v of %q is read again as %v: %v", s, text, again, err)
			}
		}
	})
}

// FuzzStrip: for any octets, Strip leaves no tag that Split recognizes, and inserting the tags
// restores the frame.
func FuzzStrip(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x5e\x00\x53\x01\x88\xa8\x00\x32\x81\x00\x00\x64\x88\x63\x11\x09"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		s, rest, ok := vlan.Strip(bytes.Clone(frame))
		if !ok {
			return
		}
		if again, _, ok := vlan.Split(rest); !ok || again != (vlan.Stack{}) {
			t.Fatalf("% x has the tags %v", rest, again)
		}
		if got, _, _ := vlan.Split(s.Insert(rest, 0)); got != s || len(rest)+s.Depth()*vlan.TagLen != len(frame) {
			t.Fatalf("% x with %v put in has %v", rest, s, got)
		}
	})
}

// TestWithoutPriorityTag: an only tag without a VLAN is no VLAN; an outer one of two belongs to the
// stack.
func TestWithoutPriorityTag(t *testing.T) {
	priority, tag := vlan.Tag{TPID: vlan.CTag}, vlan.Tag{TPID: vlan.CTag, VID: 1}
	for in, want := range map[vlan.Stack]vlan.Stack{
		{}: {}, {priority}: {}, {tag}: {tag}, {priority, tag}: {priority, tag}, {tag, priority}: {tag, priority},
	} {
		if got := in.WithoutPriorityTag(); got != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
}
