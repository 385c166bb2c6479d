package radius

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"upppoe/internal/host/netconfig"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/ppp/ipv6cp"
)

// Numbers of vendors (private enterprise numbers).
const (
	vendorCisco     = 9
	vendorMicrosoft = 311
	vendorAscend    = 529
	vendorWISPr     = 14122
	vendorMikrotik  = 14988
	vendorAccelPPP  = 55999
)

var knownVendors = map[uint32]bool{vendorCisco: true, vendorMicrosoft: true, vendorAscend: true, vendorWISPr: true, vendorMikrotik: true, vendorAccelPPP: true}

var errVendorLength = errors.New("wrong length within Vendor-Specific")

func errLength(got int, want string) error { return fmt.Errorf("%d octets, not %s", got, want) }

// attribute is an attribute of an answer that has an effect.
type attribute struct {
	name string
	// apply applies a value. The error says what is wrong with it.
	apply func(g *grant, value []byte) error
	// live is set if a change of it takes effect while a session is open (RFC 5176).
	live bool
}

// known are the attributes of answers that have an effect, and those that are accepted without one.
// Others are ignored (RFC 2865 section 5). It is set by init, as the functions of its entries name
// attributes.
var known map[AttributeType]attribute

func init() {
	known = map[AttributeType]attribute{
		{Type: 1}:   {"User-Name", text(func(g *grant, s string) error { g.policy.Account = s; return nil }), false},
		{Type: 6}:   {"Service-Type", number(only(2, "Framed")), true},
		{Type: 7}:   {"Framed-Protocol", number(only(1, "PPP")), true},
		{Type: 8}:   {"Framed-IP-Address", framedAddress, false},
		{Type: 9}:   {"Framed-IP-Netmask", octets(4, func(*grant, []byte) error { return nil }), true},
		{Type: 11}:  {"Filter-Id", text((*grant).filter), true},
		{Type: 12}:  {"Framed-MTU", number((*grant).mtu), false},
		{Type: 18}:  {"Reply-Message", text(func(g *grant, s string) error { g.message += s; return nil }), true},
		{Type: 22}:  {"Framed-Route", text((*grant).route), true},
		{Type: 24}:  {"State", func(g *grant, b []byte) error { g.state = b; return nil }, false},
		{Type: 25}:  {"Class", (*grant).class, true},
		{Type: 27}:  {"Session-Timeout", number(func(g *grant, n uint32) error { g.limits.SessionTimeout = seconds(n); return nil }), true},
		{Type: 28}:  {"Idle-Timeout", number(func(g *grant, n uint32) error { g.limits.IdleTimeout = seconds(n); return nil }), true},
		{Type: 29}:  {"Termination-Action", number(func(*grant, uint32) error { return nil }), true},
		{Type: 62}:  {"Port-Limit", number((*grant).portLimit), false},
		{Type: 79}:  {"EAP-Message", func(g *grant, b []byte) error { g.eap = append(g.eap, b...); return nil }, false},
		{Type: 85}:  {"Acct-Interim-Interval", number((*grant).interim), true},
		{Type: 88}:  {"Framed-Pool", text(func(g *grant, s string) error { g.policy.AddressPool = s; return nil }), false},
		{Type: 96}:  {"Framed-Interface-Id", octets(8, func(g *grant, b []byte) error { g.policy.InterfaceID = ipv6cp.ID(b); return nil }), false},
		{Type: 97}:  {"Framed-IPv6-Prefix", prefix(func(g *grant) *netip.Prefix { return &g.policy.IPv6Prefix }), false},
		{Type: 99}:  {"Framed-IPv6-Route", text((*grant).route), true},
		{Type: 100}: {"Framed-IPv6-Pool", text(func(g *grant, s string) error { g.policy.IPv6Pool = s; return nil }), false},
		{Type: 123}: {"Delegated-IPv6-Prefix", prefix(func(g *grant) *netip.Prefix { return &g.policy.DelegatedPrefix }), false},
		{Type: 168}: {"Framed-IPv6-Address", address6(func(g *grant, a netip.Addr) { g.policy.IPv6Address = a }), false},
		{Type: 169}: {"DNS-Server-IPv6-Address", address6((*grant).dns6), false},
		{Type: 171}: {"Delegated-IPv6-Prefix-Pool", text(func(g *grant, s string) error { g.policy.DelegatedPool = s; return nil }), false},
		{Type: 172}: {"Stateful-IPv6-Address-Pool", text(func(g *grant, s string) error { g.policy.IPv6Pool = s; return nil }), false},

		{vendorMicrosoft, 2}:  {"MS-CHAP-Error", msText(func(g *grant) *string { return &g.msError }), false},
		{vendorMicrosoft, 26}: {"MS-CHAP2-Success", msText(func(g *grant) *string { return &g.msSuccess }), false},
		{vendorMicrosoft, 28}: {"MS-Primary-DNS-Server", octets(4, dns(0)), false},
		{vendorMicrosoft, 29}: {"MS-Secondary-DNS-Server", octets(4, dns(1)), false},
		{vendorWISPr, 7}:      {"WISPr-Bandwidth-Max-Up", number(func(g *grant, n uint32) error { g.rate(true, false, uint64(n)); return nil }), true},
		{vendorWISPr, 8}:      {"WISPr-Bandwidth-Max-Down", number(func(g *grant, n uint32) error { g.rate(false, true, uint64(n)); return nil }), true},
		{vendorAscend, 197}:   {"Ascend-Data-Rate", number(func(g *grant, n uint32) error { g.rate(true, false, uint64(n)); return nil }), true},
		{vendorAscend, 255}:   {"Ascend-Xmit-Rate", number(func(g *grant, n uint32) error { g.rate(false, true, uint64(n)); return nil }), true},
		{vendorMikrotik, 8}:   {"Mikrotik-Rate-Limit", text((*grant).mikrotik), true},
		{vendorCisco, 1}:      {"Cisco-AVPair", text((*grant).ciscoPair), true},
		{vendorAccelPPP, 1}:   {"Accel-VRF-Name", text((*grant).vrf), false},
	}
}

// number returns a function that applies an integer (RFC 2865 section 5).
func number(apply func(*grant, uint32) error) func(*grant, []byte) error {
	return octets(4, func(g *grant, b []byte) error {
		return apply(g, uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))
	})
}

// octets returns a function that applies a value of a length.
func octets(n int, apply func(*grant, []byte) error) func(*grant, []byte) error {
	return func(g *grant, b []byte) error {
		if len(b) != n {
			return errLength(len(b), fmt.Sprint(n))
		}
		return apply(g, b)
	}
}

// text returns a function that applies a text. Some servers end it with a zero octet.
func text(apply func(*grant, string) error) func(*grant, []byte) error {
	return func(g *grant, b []byte) error {
		if n := len(b); n > 0 && b[n-1] == 0 {
			b = b[:n-1]
		}
		if len(b) == 0 {
			return errLength(0, "at least 1")
		}
		return apply(g, string(b))
	}
}

// msText returns a function that stores a text after an identifier (RFC 2548 section 2.3.3).
func msText(of func(*grant) *string) func(*grant, []byte) error {
	return func(g *grant, b []byte) error {
		if len(b) < 2 {
			return errLength(len(b), "at least 2")
		}
		*of(g) = string(b[1:])
		return nil
	}
}

func only(want uint32, name string) func(*grant, uint32) error {
	return func(_ *grant, n uint32) error {
		if n != want {
			return fmt.Errorf("%d, not %d (%s)", n, want, name)
		}
		return nil
	}
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// framedAddress: RFC 2865 section 5.8: 255.255.255.255 lets the peer choose, 255.255.255.254 is an
// address of a pool.
func framedAddress(g *grant, b []byte) error {
	if len(b) != 4 {
		return errLength(len(b), "4")
	}
	switch a := netip.AddrFrom4([4]byte(b)); a {
	case netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		g.address = netip.IPv4Unspecified()
	case netip.AddrFrom4([4]byte{255, 255, 255, 254}):
		g.address = netip.Addr{}
	default:
		if err := netconfig.CheckHostAddress(a); err != nil {
			return fmt.Errorf("%v %w", a, err)
		}
		g.address = a
	}
	return nil
}

func dns(i int) func(*grant, []byte) error {
	return func(g *grant, b []byte) error {
		g.policy.DNS[i] = netip.AddrFrom4([4]byte(b))
		return nil
	}
}

// address6 returns a function that applies an IPv6 address (RFC 6911 section 3.1).
func address6(apply func(*grant, netip.Addr)) func(*grant, []byte) error {
	return octets(16, func(g *grant, b []byte) error {
		a := netip.AddrFrom16([16]byte(b))
		if !lifetime.IsServerAddress(a) {
			return fmt.Errorf("%v is not the address of a host", a)
		}
		apply(g, a)
		return nil
	})
}

// prefix returns a function that stores an IPv6 prefix (RFC 3162 section 2.3, RFC 4818 section 3): a
// reserved octet, the length, and at most 16 octets, at least those of the length.
func prefix(of func(*grant) *netip.Prefix) func(*grant, []byte) error {
	return func(g *grant, b []byte) error {
		if len(b) < 2 || len(b) > 18 {
			return errLength(len(b), "2 to 18")
		}
		bits := int(b[1])
		if bits > 128 || len(b)-2 < (bits+7)/8 {
			return fmt.Errorf("%d octets do not have a prefix of %d bits", len(b), bits)
		}
		var a [16]byte
		copy(a[:], b[2:])
		p := netip.PrefixFrom(netip.AddrFrom16(a), bits)
		if p != p.Masked() || !lifetime.IsHostPrefix(p) {
			return fmt.Errorf("%v is not a prefix of hosts", p)
		}
		*of(g) = p
		return nil
	}
}
