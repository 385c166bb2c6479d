package dhcp6

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// TestTolerantClient: answers with one defect each that still assign the requested leases.
func TestTolerantClient(t *testing.T) {
	good := func() *dhcpv6.OptIAPD { return pd(100*second, 200*second, 50*second, 80*second) }
	within := func(o *dhcpv6.OptIAPD, more dhcpv6.Option) *dhcpv6.OptIAPD { o.Options.Add(more); return o }
	for name, options := range map[string][]dhcpv6.Option{
		"a status of RFC 3315 for the address":     {statusOption(iana.StatusNoAddrsAvail), good()},
		"a status for the prefix":                  {statusOption(iana.StatusNoPrefixAvail), good()},
		"the address refused in its association":   {noAddress(iana.StatusNoAddrsAvail), good()},
		"a malformed association for the address":  {rawOption(dhcpv6.OptionIANA, []byte{0, 0, 0, 7, 1}), good()},
		"an association with half an option":       {rawOption(dhcpv6.OptionIANA, []byte{0, 0, 0, 7, 11: 0, 12: 1}), good()},
		"an association with a malformed status":   {rawOption(dhcpv6.OptionIANA, []byte{0, 0, 0, 7, 11: 0, 12: 0, 13: 13, 14: 0, 15: 1, 16: 0}), good()},
		"an address cut short":                     {rawOption(dhcpv6.OptionIANA, []byte{0, 0, 0, 7, 11: 0, 12: 0, 13: 5, 14: 0, 15: 1, 16: 0}), good()},
		"a prefix of 200 bits before the good one": {rawOption(dhcpv6.OptionIAPD, append([]byte{0, 0, 0, 7, 11: 0, 12: 0, 13: 26, 14: 0, 15: 25, 23: 9, 24: 200, 40: 0}, good().ToBytes()[12:]...))},
		"an unknown option in the association":     {within(good(), rawOption(67, []byte{1, 2, 3}))},
		"malformed name servers":                   {good(), rawOption(23, []byte{1, 2, 3})},
		"malformed domains":                        {good(), rawOption(24, []byte{9, 1})},
		"a preference of two octets":               {good(), rawOption(7, []byte{1, 2})},
		"an unknown option":                        {good(), rawOption(0xfffe, nil)},
		"another's association":                    {&dhcpv6.OptIAPD{IaId: [4]byte{9}}, good()},
		"Success with text":                        {within(good(), &dhcpv6.OptStatusCode{StatusCode: 0, StatusMessage: "all fine"}), statusOption(0)},
	} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		solicit := b.expect(dhcpv6.MessageTypeSolicit)
		b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, options...), nil)
		request := b.expect(dhcpv6.MessageTypeRequest)
		b.receive(answer(dhcpv6.MessageTypeReply, request, options...), nil)
		b.wantLease(netip.Prefix{}, delegated)
		if l := b.c.Configuration(); len(l.NameServers) > 0 || len(l.SearchDomains) > 0 {
			t.Errorf("%s: learned %+v", name, l)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// TestDUIDLengths: a DUID has 3 to 130 octets (RFC 8415 section 11.1).
func TestDUIDLengths(t *testing.T) {
	for length, want := range map[int]error{0: ErrServer, 2: ErrServer, 3: nil, 130: nil, 131: ErrServer} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		m := answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0))
		m.UpdateOption(rawOption(dhcpv6.OptionServerID, make([]byte, length)))
		if err := b.c.Receive(b.now, m.ToBytes()); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("a server of %d octets: %v", length, err)
		}
		q := clientMessage(dhcpv6.MessageTypeSolicit, &dhcpv6.OptIANA{})
		q.UpdateOption(rawOption(dhcpv6.OptionClientID, make([]byte, length)))
		_, err := newServer().Receive(start, q.ToBytes())
		if (err != nil) != (want != nil) || want != nil && !errors.Is(err, ErrClient) {
			t.Errorf("a client of %d octets: %v", length, err)
		}
	}
}

// TestLengths: the shortest message is a header, the longest has 4096 octets.
func TestLengths(t *testing.T) {
	for length, want := range map[int]bool{3: false, 4: true, 4096: true, 4097: false} {
		b := make([]byte, length)
		if length > 4 {
			copy(b[4:], []byte{0xff, 0xfe, byte((length - 8) >> 8), byte(length - 8)})
		}
		if _, err := parse(b); (err == nil) != want {
			t.Errorf("%d octets: %v", length, err)
		}
	}
}

// TestRejections: the reason why there is no lease is reported, with the server's text, until there
// is a lease.
func TestRejections(t *testing.T) {
	said := func(o dhcpv6.Option, text string) dhcpv6.Option {
		status := &dhcpv6.OptStatusCode{StatusCode: 6, StatusMessage: text}
		switch o := o.(type) {
		case *dhcpv6.OptIAPD:
			o.Options.Add(status)
		case nil:
			return status
		}
		return o
	}
	nothing := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
	for name, c := range map[string]struct {
		options []dhcpv6.Option
		want    string
	}{
		"in the association":        {[]dhcpv6.Option{said(&dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}, "sold out")}, `prefix: NoPrefixAvail "sold out"`},
		"of the message":            {[]dhcpv6.Option{said(nil, "none")}, `prefix: NoPrefixAvail "none"`},
		"of the message, unused":    {[]dhcpv6.Option{said(nil, "none"), nothing}, `prefix: NoPrefixAvail "none"`},
		"of another code":           {[]dhcpv6.Option{noPrefix(999)}, `prefix: status 999 ""`},
		"UnspecFail":                {[]dhcpv6.Option{statusOption(1)}, `prefix: UnspecFail ""`},
		"no association":            {nil, `prefix: no usable IA_PD in its answer ""`},
		"an empty association":      {[]dhcpv6.Option{nothing}, `prefix: no usable prefix in the IA_PD of its answer ""`},
		"another association":       {[]dhcpv6.Option{&dhcpv6.OptIAPD{IaId: [4]byte{8}}}, `prefix: no usable IA_PD in its answer ""`},
		"with a long message":       {[]dhcpv6.Option{said(nil, strings.Repeat("x", 200))}, `prefix: NoPrefixAvail "` + strings.Repeat("x", 128) + `"`},
		"the prefix is given":       {[]dhcpv6.Option{pd(second, second, 0, 0)}, ""},
		"the address was not asked": {[]dhcpv6.Option{noAddress(2), pd(second, second, 0, 0)}, ""},
	} {
		for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeAdvertise, dhcpv6.MessageTypeReply} {
			b := newTestClient(t)
			b.c.Request(b.now, IARequest{Prefix: true})
			m := answer(kind, b.expect(dhcpv6.MessageTypeSolicit), append(c.options, rawOption(dhcpv6.OptionRapidCommit, nil))...)
			b.c.Receive(b.now, m.ToBytes())
			var got string
			for _, r := range b.c.Rejections() {
				got += r.Resource + ": " + r.Reason + ` "` + r.StatusMessage + `"`
				if r.Server.String() != serverDUID.String() {
					t.Errorf("%s: of %v", name, r.Server)
				}
			}
			if got != c.want {
				t.Errorf("%s, %v: %s, want %s", name, kind, got, c.want)
			}
		}
	}
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil), noAddress(2), noPrefix(6)), ErrEmpty)
	if got := b.c.Rejections(); len(got) != 2 || got[0].Resource != "address" || got[0].Reason != "NoAddrsAvail" {
		t.Errorf("refused are %+v", got)
	}
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil),
		ia(100*second, 200*second, 50*second, 80*second), pd(100*second, 200*second, 50*second, 80*second)), nil)
	if got := b.c.Rejections(); len(got) != 0 {
		t.Errorf("once there is all: %+v", got)
	}
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew), statusOption(1)), ErrStatus)
	if got := b.c.Rejections(); len(got) != 2 {
		t.Errorf("refused by the whole message are %+v", got)
	}
	b.c.Release(b.now)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRelease)), nil)
	if got := b.c.Rejections(); len(got) != 0 {
		t.Errorf("after the release: %+v", got)
	}
}
