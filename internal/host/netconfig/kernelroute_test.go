package netconfig

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// number32 encodes a value in the host's byte order.
func number32(n uint32) string { return hex.EncodeToString(binary.NativeEndian.AppendUint32(nil, n)) }

// header encodes struct rtmsg of an IPv4 default route in a table, with flags.
func header(table byte, flags uint32) string {
	return hex.EncodeToString([]byte{unix.AF_INET, 0, 0, 0, table, 3, 0, 1}) + number32(flags)
}

// hop encodes struct rtnexthop with a length, flags and an interface's index.
func hop(length uint16, flags byte, index uint32, attrs string) string {
	return hex.EncodeToString(append(binary.NativeEndian.AppendUint16(nil, length), flags, 0)) + number32(index) + attrs
}

// TestParseRoute: what is read from the kernel's route, and what is sent back to it.
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

// TestDefaultAndReplaced: which routes are default routes of a table, which of them ours replaces,
// and whether an existing one stays.
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

// FuzzParseRoute: any message is parsed or rejected, and the message that is kept can be parsed
// again.
func FuzzParseRoute(f *testing.F) {
	plain, err := hex.DecodeString("02000000fe04000100000000" + "08000f00fe000000" + "0800060064000000" + "080005000a000001" + "0800040002000000")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(append(plain[:12:12], 0x14, 0, 9, 0, 16, 0, 5, 2, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1))
	f.Add(append(plain[:12:12], 8, 0, 30, 0, 5, 0, 0, 0))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := parseRoute(message)
		if err != nil {
			return
		}
		again, err := parseRoute(r.message)
		if err != nil || !again.equal(r) {
			t.Errorf("% x is kept as % x, which becomes %+v, %v", message, r.message, again, err)
		}
	})
}
