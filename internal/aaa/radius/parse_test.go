package radius

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

func TestParseRoute(t *testing.T) {
	for text, want := range map[string]string{
		"198.51.100.0/29 0.0.0.0 1":                        "198.51.100.0/29",
		"198.51.100.9/29":                                  "198.51.100.8/29",
		"192.168.1.0/24 192.168.1.1 1 2 -1 3 400":          "192.168.1.0/24",
		"198.51.100.0":                                     "198.51.100.0/24",
		"172.16.0.0 0.0.0.0":                               "172.16.0.0/16",
		"10.0.0.0 1":                                       "10.0.0.0/8",
		"2001:db8:1::/48 :: 1":                             "2001:db8:1::/48",
		"2000:0:0:106::/64 2000::106:a00:20ff:fe99:a998 1": "2000:0:0:106::/64",
		"": "", "0.0.0.0/0": "", "198.51.100.0/33": "", "127.0.0.0/8": "", "198.51.100.0/29 x": "", "198.51.100.0/29 :: 1": "",
		"fe80::/64": "", "::ffff:198.51.100.0/120": "", "198.51.100.0/29 0.0.0.0 1.5": "", "fd00::1%eth0": "",
	} {
		p, err := parseRoute(text)
		if want == "" && err == nil || want != "" && (err != nil || p != netip.MustParsePrefix(want)) {
			t.Errorf("%q: %v, %v; want %q", text, p, err, want)
		}
	}
}

func TestParseMikrotik(t *testing.T) {
	for text, want := range map[string][2]datapath.Rate{
		"10M/50M":                     {{Bits: 10e6}, {Bits: 50e6}},
		"64k":                         {{Bits: 64e3}, {Bits: 64e3}},
		"1G/2000000 0/0":              {{Bits: 1e9}, {Bits: 2e6}},
		"1M/2M 2M/4M 1M/2M 8/8 5 0/0": {{Bits: 1e6, Burst: 4 * time.Second}, {Bits: 2e6, Burst: 4 * time.Second}},
		"1M/1M 2M/0":                  {{Bits: 1e6}, {Bits: 1e6}}, // 0.5 s, the default
		"1M 4M 2M 10s":                {{Bits: 1e6, Burst: 15 * time.Second}, {Bits: 1e6, Burst: 15 * time.Second}},
		"0/0":                         {},
	} {
		up, down, err := parseMikrotik(text)
		if err != nil || [2]datapath.Rate{up, down} != want {
			t.Errorf("%q: %v, %v, %v; want %v", text, up, down, err, want)
		}
	}
	for _, text := range []string{"", "fast", "1M/", "/1M", "-1", "1M/1M x", "1M 1M 1M 1h", "1M 1M 1M 99999", "1M 1M 1M 1 5 1M 1M", "18446744073709551615k"} {
		if up, down, err := parseMikrotik(text); err == nil {
			t.Errorf("%q: %v, %v", text, up, down)
		}
	}
}

func packetOf(attributes ...value) *radius.Packet {
	p := &radius.Packet{Code: radius.CodeAccessAccept}
	for _, v := range attributes {
		if v.Vendor == 0 {
			p.Add(radius.Type(v.Type), v.data)
			continue
		}
		b := []byte{byte(v.Vendor >> 24), byte(v.Vendor >> 16), byte(v.Vendor >> 8), byte(v.Vendor), v.Type, byte(2 + len(v.data))}
		p.Add(vendorSpecific, append(b, v.data...))
	}
	return p
}

// TestWrongAttributes: each known attribute of a wrong length is an error that names it.
func TestWrongAttributes(t *testing.T) {
	free := map[string]bool{"State": true, "Class": true, "EAP-Message": true}
	for of, a := range known {
		if free[a.name] {
			continue
		}
		err := newGrant(&Policies{}, pppoe.SessionPolicy{}).apply(packetOf(value{of, nil}))
		var wrong *AttributeError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), a.name+": ") {
			t.Errorf("%s: an empty value: %v", a.name, err)
		}
	}
	for name, v := range map[string]value{
		"Framed-IP-Address":     {AttributeType{Type: 8}, []byte{224, 0, 0, 1}},
		"Framed-IPv6-Prefix":    {AttributeType{Type: 97}, []byte{0, 64, 0x20, 1}},
		"Delegated-IPv6-Prefix": {AttributeType{Type: 123}, bytes.Repeat([]byte{0x20}, 19)},
		"Service-Type":          {AttributeType{Type: 6}, []byte{0, 0, 0, 1}},
		"Framed-MTU":            {AttributeType{Type: 12}, []byte{0, 0, 0, 63}},
		"Cisco-AVPair":          {AttributeType{vendorCisco, 1}, []byte("ip:sub-qos-policy-in=none")},
	} {
		if err := newGrant(&Policies{}, pppoe.SessionPolicy{}).apply(packetOf(v)); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut := packetOf(value{AttributeType{vendorMikrotik, 8}, []byte("1M")})
	cut.Attributes[0].Attribute[5]++
	if err := newGrant(&Policies{}, pppoe.SessionPolicy{}).apply(cut); err == nil || !strings.HasPrefix(err.Error(), "Mikrotik-Rate-Limit: ") {
		t.Errorf("a vendor's attribute longer than its own: %v", err)
	}
}

// TestPolicies: names of policies, and attributes that the configuration maps.
func TestPolicies(t *testing.T) {
	policies := &Policies{
		Named: map[string]Rates{"gold": {Up: datapath.Rate{Bits: 1e6}, Down: datapath.Rate{Bits: 9e6}}},
		Mapped: map[AttributeType]Mapping{
			{4242, 1}:  {RateUp, 1000},
			{4242, 2}:  {Meaning: RateDown},
			{4242, 3}:  {Meaning: PolicyName},
			{Type: 71}: {RateBoth, 1},
			{4242, 4}:  {RateDownUp, 1000},
		},
	}
	for name, c := range map[string]struct {
		v        value
		up, down uint64
	}{
		"Filter-Id":         {value{AttributeType{Type: 11}, []byte("gold")}, 1e6, 9e6},
		"unknown Filter-Id": {value{AttributeType{Type: 11}, []byte("tin")}, 5, 5},
		"Cisco in":          {value{AttributeType{vendorCisco, 1}, []byte("ip:sub-qos-policy-in=gold")}, 1e6, 5},
		"Cisco out":         {value{AttributeType{vendorCisco, 1}, []byte("sub-qos-policy-out=gold")}, 5, 9e6},
		"Cisco other":       {value{AttributeType{vendorCisco, 1}, []byte("lcp:x=y")}, 5, 5},
		"integer":           {value{AttributeType{4242, 1}, []byte{0, 0, 0, 7}}, 7000, 5},
		"text":              {value{AttributeType{4242, 2}, []byte("20M")}, 5, 20e6},
		"text of four":      {value{AttributeType{4242, 2}, []byte("200k")}, 5, 200e3},
		"name":              {value{AttributeType{4242, 3}, []byte("gold")}, 1e6, 9e6},
		"both":              {value{AttributeType{Type: 71}, []byte("3M")}, 3e6, 3e6},
		"down/up":           {value{AttributeType{4242, 4}, []byte("50000/10000")}, 10e6, 50e6},
		"down/up, short":    {value{AttributeType{4242, 4}, []byte("9/2M")}, 2e9, 9e3},
		"down/up, one":      {value{AttributeType{4242, 4}, []byte("7000")}, 7e6, 7e6},
		"WISPr":             {value{AttributeType{vendorWISPr, 7}, []byte{0, 1, 0, 0}}, 65536, 5},
		"Ascend":            {value{AttributeType{vendorAscend, 255}, []byte{0, 1, 0, 0}}, 5, 65536},
	} {
		g := newGrant(policies, pppoe.SessionPolicy{Up: datapath.Rate{Bits: 5}, Down: datapath.Rate{Bits: 5}})
		if err := g.apply(packetOf(c.v)); err != nil || g.policy.Up.Bits != c.up || g.policy.Down.Bits != c.down {
			t.Errorf("%s: %v, %v, %v", name, g.policy.Up, g.policy.Down, err)
		}
	}
}

// TestWrongDownUp: a text that is no pair of rates is an error, and changes no rate.
func TestWrongDownUp(t *testing.T) {
	for _, text := range []string{"/", "5/", "/5", "5/6/7", "fast/slow", "-1/5"} {
		g := newGrant(&Policies{Mapped: map[AttributeType]Mapping{{Type: 11}: {RateDownUp, 1000}}}, pppoe.SessionPolicy{})
		err := g.apply(packetOf(value{AttributeType{Type: 11}, []byte(text)}))
		if err == nil || !strings.Contains(err.Error(), "50000/10000") || g.policy.Up.Bits+g.policy.Down.Bits != 0 {
			t.Errorf("%q: %v, %+v", text, err, g.policy)
		}
	}
}

// TestTooManyRoutes: what a policy keeps is bounded, and routes replace those of the policy before.
func TestTooManyRoutes(t *testing.T) {
	route := value{AttributeType{Type: 22}, []byte("198.51.100.0/29")}
	base := pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	g := newGrant(&Policies{}, base)
	if err := g.apply(packetOf(route, route)); err != nil || len(g.policy.FramedRoutes) != 2 || base.FramedRoutes[0].Bits() != 24 {
		t.Errorf("%v, %v", g.policy.FramedRoutes, err)
	}
	if err := newGrant(&Policies{}, base).apply(packetOf(bytes2values(route, maxList+1)...)); !errors.Is(err, errTooMany) {
		t.Error(err)
	}
}

func bytes2values(v value, n int) (all []value) {
	for range n {
		all = append(all, v)
	}
	return all
}

func FuzzParseRoute(f *testing.F) {
	f.Add("198.51.100.0/29 0.0.0.0 1")
	f.Add("2001:db8:1::/48 :: 1")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parseRoute(text); err == nil && (!pppoe.IsRoutable(p) || p != p.Masked()) {
			t.Errorf("%q: %v", text, p)
		}
	})
}

func FuzzParseMikrotik(f *testing.F) {
	f.Add("1M/2M 2M/4M 1M/2M 8/8 5 0/0")
	f.Fuzz(func(t *testing.T, text string) {
		up, down, err := parseMikrotik(text)
		if err == nil && (up.Bits > datapath.MaxRate || down.Bits > datapath.MaxRate || up.Burst < 0 || down.Burst < 0) {
			t.Errorf("%q: %v, %v", text, up, down)
		}
	})
}

// FuzzAttributes: no packet of a server causes a panic, and what is granted is bounded.
func FuzzAttributes(f *testing.F) {
	f.Add([]byte{1, 2, 0, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 12, 0, 0, 0x3a, 0x8c, 8, 6, '1', 'M', '/', '2', 97, 4, 0, 8, 0x20, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := radius.Parse(b, secret)
		if err != nil {
			return
		}
		g := newGrant(&Policies{}, pppoe.SessionPolicy{})
		if err := g.apply(p); err == nil && (len(g.message) > maxMessage || len(g.policy.FramedRoutes) > maxList) {
			t.Errorf("%+v", g)
		}
	})
}

// TestVRF: the attributes that set the VRF, none of which a CoA-Request can change.
func TestVRF(t *testing.T) {
	policies := &Policies{Mapped: map[AttributeType]Mapping{{4242, 1}: {Meaning: VRF}, {Type: 11}: {Meaning: VRF}}}
	cisco, accel := AttributeType{vendorCisco, 1}, AttributeType{vendorAccelPPP, 1}
	for _, c := range []struct {
		of         AttributeType
		text, want string
		ok         bool
	}{
		{cisco, "ip:vrf-id=red", "red", true},
		{cisco, "vrf-id=red", "red", true},
		{cisco, "lcp:interface-config=ip vrf forwarding red", "red", true},
		{cisco, "lcp:interface-config=vrf forwarding red", "red", true},
		{cisco, "lcp:interface-config=ip unnumbered Loopback0", "", true},
		{cisco, "lcp:interface-config=vrf forwarding", "", true},
		{cisco, "ip:vrf-id=", "", false},
		{cisco, "ip:vrf-id=a/b", "", false},
		{accel, "red\x00", "red", true},
		{accel, "a name of more than 15", "", false},
		{AttributeType{4242, 1}, "blue", "blue", true},
		{AttributeType{Type: 11}, "blue", "blue", true},
		{AttributeType{Type: 11}, "..", "", false},
	} {
		packet := packetOf(value{c.of, []byte(c.text)})
		g := newGrant(policies, pppoe.SessionPolicy{})
		if err := g.apply(packet); (err == nil) != c.ok || g.policy.VRF != c.want {
			t.Errorf("%v %q: VRF %q, %v", c.of, c.text, g.policy.VRF, err)
		}
		_, _, err := policies.Change(packet, func(AttributeType) bool { return false })
		if errors.Is(err, ErrNotLive) != (c.want != "") && c.ok {
			t.Errorf("%v %q: changed: %v", c.of, c.text, err)
		}
	}
}
