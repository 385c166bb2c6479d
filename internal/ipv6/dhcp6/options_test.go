package dhcp6

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// suboption makes an option within an option.
func suboption(code, length byte, hexadecimal string) string {
	return fmt.Sprintf("%04x%04x%s", code, length, strings.ReplaceAll(hexadecimal, " ", ""))
}

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOptionRequest checks the requested options of each message against IANA's registry.
func TestOptionRequest(t *testing.T) {
	for _, c := range []struct {
		request OptionRequest
		want    []dhcpv6.OptionCode
	}{
		{OptionRequest{}, nil},
		{OptionRequest{AFTR: true}, []dhcpv6.OptionCode{64}},
		{OptionRequest{NTP: true}, []dhcpv6.OptionCode{56, 31}},
		{OptionRequest{S46: true}, []dhcpv6.OptionCode{94, 95, 96, 97}},
		{OptionRequest{AFTR: true, NTP: true, S46: true}, []dhcpv6.OptionCode{64, 56, 31, 94, 95, 96, 97}},
	} {
		b := newTestClient(t)
		b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, OptionRequest: c.request, Rand: newRand()})
		b.c.Request(b.now, both)
		want := slices.Concat([]dhcpv6.OptionCode{23, 24}, c.want, []dhcpv6.OptionCode{82})
		check := func(m *dhcpv6.Message) *dhcpv6.Message {
			t.Helper()
			if got := []dhcpv6.OptionCode(m.Options.RequestedOptions()); !slices.Equal(got, want) {
				t.Errorf("%+v: %v asks for %v, want %v", c.request, m.MessageType, got, want)
			}
			return m
		}
		solicit := check(b.expect(dhcpv6.MessageTypeSolicit))
		b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0), rawOption(dhcpv6.OptionPreference, []byte{255})), nil)
		request := check(b.expect(dhcpv6.MessageTypeRequest))
		b.receive(answer(dhcpv6.MessageTypeReply, request, pd(100*second, 200*second, 50*second, 60*second)), nil)
		check(b.expect(dhcpv6.MessageTypeRenew))
		b.now = start.Add(61 * second)
		check(b.expect(dhcpv6.MessageTypeRebind))
		b.c.Release(b.now)
		if m := b.expect(dhcpv6.MessageTypeRelease); len(m.Options.RequestedOptions()) != 0 {
			t.Errorf("a Release asks for %v", m.Options.RequestedOptions())
		}
		b.c = NewClient(&ClientConfig{DUID: clientDUID, OptionRequest: c.request, Rand: newRand()})
		b.c.Request(b.now, IARequest{})
		want = slices.Concat([]dhcpv6.OptionCode{23, 24}, c.want, []dhcpv6.OptionCode{32, 83})
		check(b.expect(dhcpv6.MessageTypeInformationRequest))
	}
}

// TestServices: an option is reported only if it was requested.
func TestServices(t *testing.T) {
	const server = "20010db8000000000000000000000053"
	options := []dhcpv6.Option{
		rawOption(64, []byte("\x04aftr\x07example\x03net\x00")),
		rawOption(56, octets(t, suboption(1, 16, server)+suboption(2, 16, "ff050000000000000000000000000101")+suboption(3, 17, hex.EncodeToString([]byte("\x03ntp\x07example\x03org\x00"))))),
		rawOption(31, octets(t, server+"fe800000000000000000000000000001")),
		rawOption(94, octets(t, suboption(89, 12, "01 10 18 c0000200 20 20010db8 ")+suboption(90, 16, server))),
		rawOption(95, octets(t, suboption(89, 13, "00 08 19 c00002ff 24 20010db8f0")+suboption(91, 9, "40 0064ff9b00000000"))),
		rawOption(96, octets(t, suboption(92, 21, "c6336401 40 20010db800010002"+suboption(93, 4, "06 08 3400"))+suboption(90, 16, server))),
		rawOption(97, octets(t, "0001000100")),
	}
	learn := func(r OptionRequest) Services {
		b := newTestClient(t)
		b.c = NewClient(&ClientConfig{DUID: clientDUID, OptionRequest: r, Rand: newRand()})
		b.c.Request(b.now, IARequest{})
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeInformationRequest), options...), nil)
		return b.c.Configuration().Services
	}
	if s := learn(OptionRequest{}); !s.Empty() {
		t.Errorf("not requested: %+v", s)
	}
	s := learn(OptionRequest{AFTR: true, NTP: true, S46: true})
	want := Services{
		AFTR: "aftr.example.net", NTPNames: []string{"ntp.example.org"},
		NTP:    []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("ff05::101")},
		SNTP:   []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("fe80::1")},
		MAPE:   []string{"type=map-e,fmr,ealen=16,prefix4len=24,prefix6len=32,ipv4prefix=192.0.2.0,ipv6prefix=2001:db8::,br=2001:db8::53"},
		MAPT:   []string{"type=map-t,ealen=8,prefix4len=25,prefix6len=36,ipv4prefix=192.0.2.128,ipv6prefix=2001:db8:f000::,dmr=64:ff9b::/64"},
		LW4o6:  []string{"type=lw4o6,ipv4address=198.51.100.1,prefix6len=64,ipv6prefix=2001:db8:1:2::,offset=6,psidlen=8,psid=52,br=2001:db8::53"},
		FourRD: "0001000100",
	}
	if !s.Equal(&want) || s.Empty() {
		t.Errorf("learned\n%+v, want\n%+v", s, want)
	}
	for _, change := range []func(*Services){
		func(s *Services) { s.AFTR = "" }, func(s *Services) { s.NTP = nil }, func(s *Services) { s.NTPNames = nil }, func(s *Services) { s.SNTP = nil },
		func(s *Services) { s.MAPE = nil }, func(s *Services) { s.MAPT = nil }, func(s *Services) { s.LW4o6 = nil }, func(s *Services) { s.FourRD = "" },
	} {
		other := s.clone()
		if change(&other); s.Equal(&other) {
			t.Errorf("%+v equals\n%+v", other, s)
		}
		only := Services{AFTR: "a", FourRD: "b", NTP: s.NTP, NTPNames: s.NTPNames, SNTP: s.SNTP, MAPE: s.MAPE, MAPT: s.MAPT, LW4o6: s.LW4o6}
		if change(&only); only.Empty() {
			t.Errorf("%+v is empty", only)
		}
	}
	for i := range options {
		one := newTestClient(t)
		one.c = NewClient(&ClientConfig{DUID: clientDUID, OptionRequest: OptionRequest{true, true, true}, Rand: newRand()})
		one.c.Request(one.now, IARequest{})
		one.receive(answer(dhcpv6.MessageTypeReply, one.expect(dhcpv6.MessageTypeInformationRequest), options[i]), nil)
		if s := one.c.Configuration().Services; s.Empty() {
			t.Errorf("nothing is learned of option %d alone", options[i].Code())
		}
	}
}

// TestBadServices: malformed and invalid values are not reported.
func TestBadServices(t *testing.T) {
	for name, o := range map[string]dhcpv6.Option{
		"AFTR, two names":              rawOption(64, []byte("\x01a\x00\x01b\x00")),
		"AFTR for a shell":             rawOption(64, []byte("\x04a;rm\x00")),
		"AFTR cut short":               rawOption(64, []byte("\x04af")),
		"AFTR empty":                   rawOption(64, nil),
		"NTP of a group as a server":   rawOption(56, octets(t, suboption(1, 16, "ff050000000000000000000000000101"))),
		"NTP of a server as a group":   rawOption(56, octets(t, suboption(2, 16, "20010db8000000000000000000000053"))),
		"NTP cut short":                rawOption(56, octets(t, suboption(1, 16, "20010db80000000000000000000000"))),
		"NTP of 4 octets":              rawOption(56, octets(t, suboption(1, 4, "c0000201"))),
		"NTP, unknown suboption":       rawOption(56, octets(t, suboption(4, 16, "20010db8000000000000000000000053"))),
		"SNTP of unspecified address":  rawOption(31, make([]byte, 16)),
		"SNTP of 15 octets":            rawOption(31, octets(t, "20010db80000000000000000000000")),
		"rule without prefix":          rawOption(94, octets(t, suboption(89, 7, "00 10 18 c0000200"))),
		"rule, prefix cut short":       rawOption(94, octets(t, suboption(89, 11, "00 10 18 c0000200 20 20010d"))),
		"rule, 49 bits of EA":          rawOption(94, octets(t, suboption(89, 12, "00 31 18 c0000200 20 20010db8"))),
		"rule, IPv4 prefix of 33 bits": rawOption(94, octets(t, suboption(89, 12, "00 10 21 c0000200 20 20010db8"))),
		"rule, IPv6 prefix of 129":     rawOption(94, octets(t, suboption(89, 25, "00 10 18 c0000200 81"+strings.Repeat("20", 17)))),
		"binding cut short":            rawOption(96, octets(t, suboption(92, 4, "c6336401"))),
		"binding, prefix cut short":    rawOption(96, octets(t, suboption(92, 6, "c6336401 10 20"))),
		"a border relay alone":         rawOption(94, octets(t, suboption(90, 16, "20010db8000000000000000000000053"))),
		"4rd too long":                 rawOption(97, make([]byte, 1025)),
	} {
		m := answer(dhcpv6.MessageTypeReply, &dhcpv6.Message{}, o)
		if s := (OptionRequest{true, true, true}).services(m); !s.Empty() {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := (OptionRequest{S46: true}).services(answer(dhcpv6.MessageTypeReply, &dhcpv6.Message{}, rawOption(97, make([]byte, 1024)))); len(s.FourRD) != 2048 {
		t.Errorf("4rd of 1024 octets: %d digits", len(s.FourRD))
	}
}

// TestRuleBounds: the longest rule that RFC 7598 allows, and ports.
func TestRuleBounds(t *testing.T) {
	const all = "20010db8000000000000000000000001"
	for text, want := range map[string]string{
		suboption(89, 24, "00 30 20 c0000201 80"+all):                                       "type=map-e,ealen=48,prefix4len=32,prefix6len=128,ipv4prefix=192.0.2.1,ipv6prefix=2001:db8::1",
		suboption(89, 8, "00 00 00 c0000201 00"):                                            "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::",
		suboption(89, 16, "00 00 00 00000000 00"+suboption(93, 4, "0f 10 ffff")):            "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::,offset=15,psidlen=16,psid=65535",
		suboption(89, 16, "00 00 00 00000000 00"+suboption(93, 4, "00 00 ffff")):            "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::,offset=0,psidlen=0,psid=0",
		suboption(89, 16, "00 00 00 00000000 00"+suboption(93, 4, "10 00 0000")):            "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::",
		suboption(89, 16, "00 00 00 00000000 00"+suboption(93, 4, "00 11 0000")):            "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::",
		suboption(89, 17, "02 00 00 00000000 01 80"+suboption(93, 4, "01 01 8000")):         "type=map-e,ealen=0,prefix4len=0,prefix6len=1,ipv4prefix=0.0.0.0,ipv6prefix=8000::,offset=1,psidlen=1,psid=1",
		suboption(89, 8, "00 00 00 00000000 00") + suboption(90, 4, "20010db8"):             "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::",
		suboption(89, 8, "00 00 00 00000000 00") + suboption(89, 8, "01 01 00 00000000 00"): "type=map-e,ealen=0,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=:: type=map-e,fmr,ealen=1,prefix4len=0,prefix6len=0,ipv4prefix=0.0.0.0,ipv6prefix=::",
	} {
		if got := strings.Join(s46Rules("map-e", octets(t, text)), " "); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
	if got := s46Rules("map-e", octets(t, strings.Repeat(suboption(89, 8, "00 00 00 00000000 00"), 9))); len(got) != 8 {
		t.Errorf("%d rules are kept, want 8", len(got))
	}
	many := suboption(89, 8, "00 00 00 00000000 00") + strings.Repeat(suboption(90, 16, all), 9)
	if got := s46Rules("map-e", octets(t, many)); len(got) != 1 || strings.Count(got[0], "br=") != 8 {
		t.Errorf("of nine border relays there are %q", got)
	}
}

// FuzzServices: for any input, all text is safe in an environment.
func FuzzServices(f *testing.F) {
	f.Add(uint16(94), []byte{0, 89, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint16(56), []byte("\x00\x03\x00\x03\x01a\x00"))
	f.Fuzz(func(t *testing.T, code uint16, b []byte) {
		m := answer(dhcpv6.MessageTypeReply, &dhcpv6.Message{}, rawOption(dhcpv6.OptionCode(code), b))
		s := (OptionRequest{true, true, true}).services(m)
		for _, text := range slices.Concat(s.MAPE, s.MAPT, s.LW4o6, s.NTPNames, []string{s.AFTR, s.FourRD}) {
			if strings.ContainsFunc(text, func(r rune) bool {
				return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=,/", r)
			}) || len(text) > 4096 {
				t.Errorf("%q", text)
			}
		}
	})
}
