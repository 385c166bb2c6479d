package netconfig

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
)

// TestCheckHostAddress: both sides of each block that no host has (RFC 1122 section 3.2.1.3).
func TestCheckHostAddress(t *testing.T) {
	for addr, want := range map[string]error{
		"0.0.0.0": ErrNotHostAddress, "0.255.255.255": ErrNotHostAddress, "1.0.0.0": nil,
		"126.255.255.255": nil, "127.0.0.0": ErrLoopback, "127.255.255.255": ErrLoopback, "128.0.0.0": nil,
		"223.255.255.255": nil, "224.0.0.0": ErrMulticast, "239.255.255.255": ErrMulticast,
		"240.0.0.0": ErrReserved, "255.255.255.255": ErrReserved,
		"2001:db8::1": ErrNotHostAddress, "::ffff:192.0.2.1": ErrNotHostAddress,
	} {
		if got := CheckHostAddress(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if got := CheckHostAddress(netip.Addr{}); got != ErrNotHostAddress {
		t.Errorf("no address: %v", got)
	}
}

// TestCheckUnnumbered: without the option a peer must have an address of its own; with it, it may
// have none or ours, but still no address that no host has.
func TestCheckUnnumbered(t *testing.T) {
	before := netlinkQueries
	defer func() { netlinkQueries = before }()
	netlinkQueries.addresses = func(netlink.Link, int) ([]netlink.Addr, error) { return nil, nil }
	for _, c := range []struct {
		local, remote string
		numbered      error
		unnumbered    error
	}{
		{"192.0.2.10", "192.0.2.1", nil, nil},
		{"192.0.2.10", "0.0.0.0", ErrNotHostAddress, nil},
		{"192.0.2.10", "192.0.2.10", ErrSameAddress, nil},
		{"192.0.2.10", "0.0.0.1", ErrNotHostAddress, ErrNotHostAddress},
		{"192.0.2.10", "224.0.0.1", ErrMulticast, ErrMulticast},
		{"0.0.0.0", "0.0.0.0", ErrNotHostAddress, ErrNotHostAddress},
	} {
		a := ipcp.Agreement{Local: netip.MustParseAddr(c.local), Remote: netip.MustParseAddr(c.remote)}
		for unnumbered, want := range map[bool]error{false: c.numbered, true: c.unnumbered} {
			if err := (&Configurer{Unnumbered: unnumbered}).checkAgreement(a); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s and %s, unnumbered %v: %v, want %v", c.local, c.remote, unnumbered, err, want)
			}
		}
	}
}

// attr encodes an attribute of rtnetlink(7) of a literal length.
func attr(length, typ uint16, value string) string {
	b := binary.NativeEndian.AppendUint16(nil, length)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return hex.EncodeToString(b) + value
}

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAttributes: lengths at both sides of each bound, padding, and what is left over.
func TestAttributes(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       []string // values
		ok         bool
	}{
		{"nothing", "", nil, true},
		{"three octets, too few for one", "040001", nil, true},
		{"an empty one", attr(4, 1, ""), []string{""}, true},
		{"a length below its own header", attr(3, 1, ""), nil, false},
		{"a length of 0", attr(0, 1, ""), nil, false},
		{"one octet more than there is", attr(5, 1, ""), nil, false},
		{"just what there is", attr(5, 1, "aa"), []string{"aa"}, true},
		{"one octet, three of padding, another", attr(5, 1, "aa000000") + attr(8, 2, "01020304"), []string{"aa", "01020304"}, true},
		{"four octets need no padding", attr(8, 1, "01020304") + attr(6, 2, "bbcc"), []string{"01020304", "bbcc"}, true},
		{"the second is bad", attr(8, 1, "01020304") + attr(9, 2, "bbcc0000"), []string{"01020304"}, false},
	} {
		list, ok := parseAttributes(octets(t, c.text))
		var got []string
		for _, a := range list {
			got = append(got, hex.EncodeToString(a.value))
		}
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q, %v", c.what, got, ok, c.want, c.ok)
		}
	}
	for length, want := range map[int]int{0: 0, 1: 4, 3: 4, 4: 4, 5: 8, 8: 8, 9: 12} {
		if got := padded(length); got != want {
			t.Errorf("%d octets are padded to %d, want %d", length, got, want)
		}
	}
	for typ, want := range map[uint16]uint16{5: 5, 0x8005: 5, 0x4005: 5, 0xc005: 5, 0x3fff: 0x3fff} {
		if got := (attribute{typ: typ}).baseType(); got != want {
			t.Errorf("type %#x has number %d, want %d", typ, got, want)
		}
	}
	for value, want := range map[string]string{"": attr(4, 0x8001, ""), "aa": attr(5, 0x8001, "aa000000"), "01020304": attr(8, 0x8001, "01020304")} {
		if got := hex.EncodeToString(attribute{0x8001, octets(t, value)}.appendTo(nil)); got != want {
			t.Errorf("%q is encoded as %s, want %s", value, got, want)
		}
	}
}

// number32 is a value of the kernel's byte order.
func number32(n uint32) string { return hex.EncodeToString(binary.NativeEndian.AppendUint32(nil, n)) }

// header is struct rtmsg: of IPv4, a default route, in a table, with flags.
func header(table byte, flags uint32) string {
	return hex.EncodeToString([]byte{unix.AF_INET, 0, 0, 0, table, 3, 0, 1}) + number32(flags)
}

// hop is struct rtnexthop, of a length, with flags and an interface's index.
func hop(length uint16, flags byte, index uint32, attrs string) string {
	return hex.EncodeToString(append(binary.NativeEndian.AppendUint16(nil, length), flags, 0)) + number32(index) + attrs
}

// TestParseRoute: what is read of a route of the kernel's, and what goes back to it.
func TestParseRoute(t *testing.T) {
	const gateway, other = "0a000001", "0a000002"
	via6 := "0a00" + "20010db8000000000000000000000001" // AF_INET6
	for _, c := range []struct {
		what, in, out         string // out: what is sent back, if it differs
		table, metric, device int
		gateway               string
	}{
		{what: "a header alone", in: header(254, 0), table: 254},
		{what: "all that is read", in: header(252, 0) + attr(8, 15, number32(1000)) + attr(8, 6, number32(700)) + attr(8, 4, number32(3)) + attr(8, 5, gateway),
			table: 1000, metric: 700, device: 3, gateway: "10.0.0.1"},
		{what: "numbers that are not four octets long", in: header(254, 0) + attr(6, 15, "01000000") + attr(12, 6, number32(7)+number32(7)) + attr(7, 4, "03000000"), table: 254},
		{what: "the gateway of another family", in: header(254, 0) + attr(22, 18, via6+"0000"), table: 254, gateway: "2001:db8::1"},
		{what: "a gateway of no octets", in: header(254, 0) + attr(6, 18, "0a000000"), table: 254},
		{what: "onlink stays, link down does not", in: header(254, 4|16|1), out: header(254, 4), table: 254},
		{what: "its use does not", in: header(254, 0) + attr(8, 12, number32(9)) + attr(8, 6, number32(7)), out: header(254, 0) + attr(8, 6, number32(7)), table: 254, metric: 7},
		{what: "a next hop object stands for device, gateway and flags",
			in:    header(254, 4) + attr(8, 30, number32(5)) + attr(8, 4, number32(3)) + attr(8, 5, gateway) + attr(22, 18, via6+"0000") + attr(6, 21, "01000000") + attr(4, 22, "") + attr(12, 9, hop(8, 0, 3, "")) + attr(8, 6, number32(7)),
			out:   header(254, 0) + attr(8, 30, number32(5)) + attr(8, 6, number32(7)),
			table: 254, metric: 7, device: 3, gateway: "2001:db8::1"},
		{what: "several ways", in: header(254, 0) + attr(36, 9, hop(16, 0x11, 3, attr(8, 5, gateway))+hop(16, 0x15, 4, attr(8, 5, other))),
			out:   header(254, 0) + attr(36, 9, hop(16, 0, 3, attr(8, 5, gateway))+hop(16, 4, 4, attr(8, 5, other))),
			table: 254, device: 3, gateway: "10.0.0.1"},
		{what: "several ways, the first without a gateway", in: header(254, 0) + attr(28, 9, hop(8, 0, 3, "")+hop(16, 0, 4, attr(8, 5, other))), table: 254, device: 3},
		{what: "a way shorter than its header", in: header(254, 0) + attr(20, 9, hop(7, 0x10, 3, attr(8, 5, gateway))),
			out: header(254, 0) + attr(20, 9, hop(7, 0, 3, attr(8, 5, gateway))), table: 254, device: 3},
		{what: "a way longer than there is", in: header(254, 0) + attr(20, 9, hop(99, 0x10, 3, attr(8, 5, gateway))),
			out: header(254, 0) + attr(20, 9, hop(99, 0, 3, attr(8, 5, gateway))), table: 254, device: 3, gateway: "10.0.0.1"},
		{what: "ways shorter than one", in: header(254, 0) + attr(11, 9, "0700100000000000"), table: 254},
	} {
		in := octets(t, c.in)
		r, err := parseRoute(in)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if c.out == "" {
			c.out = c.in
		}
		if got := hex.EncodeToString(r.message); got != c.out {
			t.Errorf("%s: goes back as\n%s, want\n%s", c.what, got, c.out)
		}
		if hex.EncodeToString(in) != c.in {
			t.Errorf("%s: the kernel's message was changed", c.what)
		}
		gateway := ""
		if r.gateway.IsValid() {
			gateway = r.gateway.String()
		}
		if r.table != c.table || r.metric != c.metric || r.device != c.device || gateway != c.gateway {
			t.Errorf("%s: table %d, metric %d, device %d, gateway %q; want %d, %d, %d, %q", c.what, r.table, r.metric, r.device, gateway, c.table, c.metric, c.device, c.gateway)
		}
	}
	for _, bad := range []string{"", header(254, 0)[:22], header(254, 0) + attr(3, 1, ""), header(254, 0) + attr(9, 1, "00000000")} {
		if _, err := parseRoute(octets(t, bad)); !errors.Is(err, errRoute) {
			t.Errorf("%s: %v, want %v", bad, err, errRoute)
		}
	}
}

// TestDefaultAndReplaced: which routes are default routes of a table, which of them ours replaces, and
// whether an existing one stays.
func TestDefaultAndReplaced(t *testing.T) {
	for _, c := range []struct {
		what   string
		header unix.RtMsg
		table  int
		want   bool
	}{
		{"a default route", unix.RtMsg{}, 254, true},
		{"of another table", unix.RtMsg{}, 253, false},
		{"half of all addresses", unix.RtMsg{Dst_len: 1}, 254, false},
		{"of a type of service", unix.RtMsg{Tos: 4}, 254, false},
		{"of the cache", unix.RtMsg{Flags: 0x200}, 254, false},
		{"without carrier", unix.RtMsg{Flags: 16}, 254, true},
	} {
		if got := isDefault(&kernelRoute{header: c.header, table: c.table}, 254); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
	for _, c := range []struct {
		existing []int
		metric   int
		want     int // how many of the first are replaced
	}{
		{nil, 0, 0}, {[]int{0}, 0, 1}, {[]int{100}, 0, 1}, {[]int{100, 100, 101}, 0, 2},
		{[]int{100, 700, 701}, 700, 2}, {[]int{100, 700, 701}, 699, 1}, {[]int{100, 700, 701}, 701, 3},
	} {
		var routes []*kernelRoute
		for _, m := range c.existing {
			routes = append(routes, &kernelRoute{metric: m})
		}
		if got := routesToReplace(routes, c.metric); !slices.Equal(got, routes[:c.want]) {
			t.Errorf("%v, metric %d: %d are replaced, want %d", c.existing, c.metric, len(got), c.want)
		}
		log, output := newLog()
		if got := (&Configurer{Log: log}).keepsExisting(routes, &c.metric); got != slices.Contains(c.existing, c.metric) {
			t.Errorf("%v, metric %d: kept %v", c.existing, c.metric, got)
		} else if got && !strings.Contains(output.String(), "with metric "+map[int]string{0: "0", 700: "700", 701: "701"}[c.metric]) {
			t.Errorf("the log says %s", output)
		}
		if got := (&Configurer{Log: log}).keepsExisting(routes, nil); got != (len(c.existing) > 0) || got && !strings.Contains(output.String(), "with metric -1") {
			t.Errorf("%v, any metric: kept %v; the log says %s", c.existing, got, output)
		}
	}
	if metricOf(nil) != 0 || metricOf(new(700)) != 700 {
		t.Errorf("metrics %d and %d", metricOf(nil), metricOf(new(700)))
	}
}

// TestParseResolvConf: a text that was lent is as before, whatever was added to it meanwhile, or torn out.
func TestParseResolvConf(t *testing.T) {
	const begin, end, aside = "# upppoe added this for ", "# upppoe added this: end\n", "# upppoe put aside: "
	for _, c := range []struct {
		what, text, before string
		blocks             []nameServerBlock
		made               bool
	}{
		{"nothing of ours", "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n", nil, false},
		{"only what was put aside", aside + "nameserver 192.0.2.1\n", aside + "nameserver 192.0.2.1\n", nil, false},
		{"one", begin + "ppp0\nnameserver 192.0.2.1\n" + end + aside + "nameserver 198.51.100.1\nsearch x\n", "nameserver 198.51.100.1\nsearch x\n", []nameServerBlock{{"ppp0", "nameserver 192.0.2.1\n"}}, false},
		{"a file that was made", begin + "ppp0, and made the file\nnameserver 192.0.2.1\n" + end, "", []nameServerBlock{{"ppp0", "nameserver 192.0.2.1\n"}}, true},
		{"two, of which the first made it", begin + "ppp0, and made the file\na\n" + end + begin + "ppp1\nb\n" + end + "c\n", "c\n", []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}}, true},
		{"two, of which the second says so", begin + "ppp0\na\n" + end + begin + "ppp1, and made the file\nb\n" + end, "", []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}}, true},
		{"the same device twice: the later counts", begin + "ppp0\na\n" + end + begin + "ppp1\nb\n" + end + begin + "ppp0\nc\n" + end, "", []nameServerBlock{{"ppp1", "b\n"}, {"ppp0", "c\n"}}, false},
		{"put aside within", begin + "ppp0\na\n" + aside + "b\nc\n" + end, "b\n", []nameServerBlock{{"ppp0", "a\nc\n"}}, false},
		{"no end", begin + "ppp0\na\n", "", []nameServerBlock{{"ppp0", "a\n"}}, false},
	} {
		before, blocks, made := parseResolvConf(c.text)
		if before != c.before || !slices.Equal(blocks, c.blocks) || made != c.made {
			t.Errorf("%s: %q, %q, made %v; want %q, %q, %v", c.what, before, blocks, made, c.before, c.blocks, c.made)
		}
	}
	const text = "\n  \nnameserver 198.51.100.1\nnameservers x\n# nameserver y\nsearch z"
	got := renderResolvConf(text, true, []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}})
	if want := begin + "ppp0, and made the file\na\n" + end + begin + "ppp1\nb\n" + end + "\n  \n" + aside + "nameserver 198.51.100.1\nnameservers x\n# nameserver y\nsearch z"; got != want {
		t.Errorf("lent as\n%s, want\n%s", got, want)
	}
}

// TestMTUShareFile: what a claim's file says, who shares in it, and who is the last.
func TestMTUShareFile(t *testing.T) {
	c := openMTUShares(t.TempDir())
	if c == nil {
		t.Fatal("no claims")
	}
	defer c.close()
	link := func(mtu int) netlink.Link {
		return &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: 7, MTU: mtu}}
	}
	if is := c.join(link(1508), 1508); is != nil {
		t.Errorf("an MTU that suffices is claimed: %+v", is)
	}
	first := c.join(link(1500), 1508)
	if first == nil || first.was != 1500 || first.raised != 1508 || first.file == nil {
		t.Fatalf("the first: %+v", first)
	}
	path := first.file.Name()
	if text, err := os.ReadFile(path); string(text) != "1500       1508      \n" {
		t.Errorf("the file says %q, %v", text, err)
	}
	second := c.join(link(1508), 1508) // as the first has left it
	if second == nil || second.was != 1500 || second.raised != 1508 {
		t.Fatalf("the second: %+v", second)
	}
	third := c.join(link(1600), 1700) // somebody else has set 1600 meanwhile
	if third == nil || third.was != 1600 || third.raised != 1700 {
		t.Fatalf("the third: %+v", third)
	}
	for i, is := range []*mtuShare{first, second} {
		if was, raised, last := c.leave(is); last || was != 0 || raised != 0 {
			t.Errorf("claim %d of 3 is the last: %d, %d", i+1, was, raised)
		}
	}
	if was, raised, last := c.leave(third); !last || was != 1600 || raised != 1700 {
		t.Errorf("the last: %d, %d, %v; want 1600, 1700", was, raised, last)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left behind: %v", err)
	}
	alone := (*mtuShares)(nil).join(link(1500), 1508)
	if alone == nil || alone.file != nil {
		t.Fatalf("without files: %+v", alone)
	}
	if was, raised, last := (*mtuShares)(nil).leave(alone); !last || was != 1500 || raised != 1508 {
		t.Errorf("without files: %d, %d, %v", was, raised, last)
	}
	if is := (*mtuShares)(nil).join(link(1508), 1508); is != nil {
		t.Errorf("without files, an MTU that suffices is claimed: %+v", is)
	}
}
