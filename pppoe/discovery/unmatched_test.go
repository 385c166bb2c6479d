package discovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"upppoe/pppoe/wire"
)

// TestUnmatched: a concentrator whose PADO does not match is remembered, with the reason; PADOs
// that match or are for another client at our address are not.
func TestUnmatched(t *testing.T) {
	gold := tag(wire.TagServiceName, "gold")
	for _, c := range []struct {
		what string
		cfg  ClientConfig
		in   wire.DiscoveryFrame
		want Mismatch // 0: not remembered
	}{
		{"a matching PADO", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), 0},
		{"another's Host-Uniq", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, tag(wire.TagHostUniq, "yours")), 0},
		{"an empty Host-Uniq", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, tag(wire.TagHostUniq, "")), 0},
		{"no Host-Uniq", ClientConfig{}, answer(wire.PADO, 0, acName, anyService), NoHostUniq},
		{"no Host-Uniq, nor the name", ClientConfig{ACNames: []string{"b"}}, answer(wire.PADO, 0, acName, anyService), NoHostUniq},
		{"a session ID", ClientConfig{}, answer(wire.PADO, 1, acName, anyService, ourHostUniq), HasSessionID},
		{"no AC-Name", ClientConfig{}, answer(wire.PADO, 0, anyService, ourHostUniq), NoACName},
		{"another AC-Name", ClientConfig{ACNames: []string{"b", "c"}}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), WrongACName},
		{"one of the names", ClientConfig{ACNames: []string{"b", "ac"}}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), 0},
		{"another address", ClientConfig{AC: hostAddr}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), WrongAddr},
		{"the address", ClientConfig{AC: acAddr}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), 0},
		{"another service", ClientConfig{Service: "silver"}, answer(wire.PADO, 0, acName, anyService, gold, ourHostUniq), WrongService},
		{"the service", ClientConfig{Service: "gold"}, answer(wire.PADO, 0, acName, anyService, gold, ourHostUniq), 0},
		{"a rejection", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, ourHostUniq, tag(wire.TagACSystemError, "full")), Rejected},
		{"a PADS", ClientConfig{}, answer(wire.PADS, 1, anyService), 0},
	} {
		h, q := startedClient(c.cfg)
		for range 2 {
			h.Receive(epoch, c.in, q)
		}
		got := h.Unmatched()
		if c.want == 0 && len(got) > 0 || c.want != 0 && (len(got) != 1 || got[0].Reason != c.want || got[0].AC != acAddr) {
			t.Errorf("%s: %v, want once %v", c.what, got, c.want)
		}
		if h.Start(epoch, q); len(h.Unmatched()) > 0 {
			t.Errorf("%s: it is not cleared by Start", c.what)
		}
	}
}

// TestUnmatchedWithoutHostUniq: a client without Host-Uniq ignores answers to another client's.
func TestUnmatchedWithoutHostUniq(t *testing.T) {
	h, q := NewClient(hostAddr, ClientConfig{HostUniq: []byte{}, ACNames: []string{"b"}}), &wire.Queue{}
	h.Start(epoch, q)
	h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, tag(wire.TagHostUniq, "yours")), q)
	if got := h.Unmatched(); len(got) > 0 {
		t.Errorf("an answer to another client: %v", got)
	}
	h.Receive(epoch, answer(wire.PADO, 0, acName, anyService), q)
	if got := h.Unmatched(); len(got) != 1 || got[0].Reason != WrongACName {
		t.Errorf("an answer to ours: %v", got)
	}
}

// TestUnmatchedBounds: the number of concentrators and services is limited, because any station can
// send such packets.
func TestUnmatchedBounds(t *testing.T) {
	h, q := startedClient(ClientConfig{ACNames: []string{"b"}})
	for i := range 2 * MaxOffers {
		tags := []wire.Tag{acName, ourHostUniq}
		for n := range 2 * maxServices {
			tags = append(tags, tag(wire.TagServiceName, fmt.Sprint(n)))
		}
		f := answer(wire.PADO, 0, tags...)
		f.Src[5] = byte(i)
		h.Receive(epoch, f, q)
	}
	got := h.Unmatched()
	if len(got) != MaxOffers || len(got[0].Services) != maxServices {
		t.Errorf("%d are remembered, with %d services, want %d and %d", len(got), len(got[0].Services), MaxOffers, maxServices)
	}
}

// TestUnmatchedText: one sentence, escaped for a terminal, for every reason.
func TestUnmatchedText(t *testing.T) {
	u := Unmatched{AC: acAddr, Name: "a\x1b\"c", Services: []string{"x", "y\n"}, Reason: WrongACName}
	if got, want := u.String(), fmt.Sprintf(`%v ("a\033\042c") answered with service "x", "y\012", but its AC-Name is not the configured one`, acAddr); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	u = Unmatched{AC: acAddr, Name: "ac", Reason: Rejected, Text: "AC-system-error \x07"}
	if got, want := u.String(), fmt.Sprintf(`%v ("ac") answered, but it rejected the request: AC-system-error \007`, acAddr); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	u = Unmatched{AC: acAddr, Reason: NoACName}
	if got, want := u.String(), fmt.Sprintf("%v answered, but its PADO lacks an AC-Name tag (RFC 2516 section 5.2)", acAddr); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var seen []string
	for why := WrongACName; why <= Rejected; why++ {
		text := why.String()
		if text == "" || slices.Contains(seen, text) || strings.Contains(text, "\n") {
			t.Errorf("reason %d is %q", why, text)
		}
		seen = append(seen, text)
	}
}
