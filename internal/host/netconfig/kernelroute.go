package netconfig

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// kernelRoute is a route as the kernel reports it, octet for octet, so that it can be added again
// with all its attributes, unknown ones included.
type kernelRoute struct {
	header  unix.RtMsg
	message []byte // rtmsg and attributes, ready to be sent back
	table   int
	metric  int
	device  int        // interface index; 0: none
	gateway netip.Addr // invalid: none
}

// Route attributes that x/sys does not define, and flags that a request may have.
const (
	rtaNextHopID = 30 // RTA_NH_ID
	onLink       = 4  // RTNH_F_ONLINK
)

// kernelRoutes lists the routes of a family that pick accepts.
func kernelRoutes(family int, pick func(*kernelRoute) bool) (picked []*kernelRoute, err error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETROUTE, unix.NLM_F_DUMP)
	request.AddData(nl.NewIfInfomsg(family))
	bad := error(nil)
	err = request.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWROUTE, func(m []byte) bool {
		r, failed := parseRoute(m)
		if failed != nil {
			bad = failed
		} else if pick(r) {
			picked = append(picked, r)
		}
		return true
	})
	if errors.Is(err, netlink.ErrDumpInterrupted) { // the dump changed meanwhile: what was read counts
		err = nil
	}
	return picked, errors.Join(err, bad)
}

var errRoute = errors.New("invalid route from the kernel")

// parseRoute parses a message of type RTM_NEWROUTE, which it copies.
func parseRoute(m []byte) (*kernelRoute, error) {
	if len(m) < unix.SizeofRtMsg {
		return nil, errRoute
	}
	r := &kernelRoute{header: nl.DeserializeRtMsg(append([]byte(nil), m...)).RtMsg}
	r.table = int(r.header.Table)
	attrs, ok := parseAttributes(m[unix.SizeofRtMsg:])
	if !ok {
		return nil, errRoute
	}
	// The kernel reports the content of a next hop object too, but rejects both together.
	shared := slices.ContainsFunc(attrs, func(a attribute) bool { return a.baseType() == rtaNextHopID })
	header := r.header
	header.Flags &= onLink // the others are state, like "link down"
	if shared {
		header.Flags = 0
	}
	r.message = append([]byte(nil), (&nl.RtMsg{RtMsg: header}).Serialize()...)
	for _, a := range attrs {
		r.readAttribute(a)
		r.appendAttribute(a, shared)
	}
	return r, nil
}

// readAttribute reads what the program itself needs.
func (r *kernelRoute) readAttribute(a attribute) {
	switch typ := a.baseType(); {
	case typ == unix.RTA_GATEWAY:
		r.gateway = addrFromIP(a.value)
	case typ == unix.RTA_VIA && len(a.value) > 2: // a gateway of another family: it follows the family
		r.gateway = addrFromIP(a.value[2:])
	case typ == unix.RTA_MULTIPATH && len(a.value) >= unix.SizeofRtNexthop:
		r.readFirstNextHop(a.value)
	case len(a.value) != 4:
	case typ == unix.RTA_TABLE:
		r.table = int(binary.NativeEndian.Uint32(a.value))
	case typ == unix.RTA_PRIORITY:
		r.metric = int(binary.NativeEndian.Uint32(a.value))
	case typ == unix.RTA_OIF:
		r.device = int(binary.NativeEndian.Uint32(a.value))
	}
}

// readFirstNextHop reads the first next hop of a multipath route.
func (r *kernelRoute) readFirstNextHop(hops []byte) {
	r.device = int(binary.NativeEndian.Uint32(hops[4:]))
	end := min(int(binary.NativeEndian.Uint16(hops)), len(hops))
	if end < unix.SizeofRtNexthop {
		return
	}
	attrs, _ := parseAttributes(hops[unix.SizeofRtNexthop:end])
	for _, a := range attrs {
		if a.baseType() == unix.RTA_GATEWAY || a.baseType() == unix.RTA_VIA {
			r.readAttribute(a)
		}
	}
}

// appendAttribute appends an attribute to the message, if the kernel accepts it in a request.
func (r *kernelRoute) appendAttribute(a attribute, shared bool) {
	switch a.baseType() {
	case unix.RTA_CACHEINFO: // usage statistics
		return
	case unix.RTA_OIF, unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_ENCAP, unix.RTA_ENCAP_TYPE:
		if shared {
			return
		}
	case unix.RTA_MULTIPATH:
		if shared {
			return
		}
		a.value = append([]byte(nil), a.value...)
		clearNextHopState(a.value)
	}
	r.message = a.appendTo(r.message)
}

// clearNextHopState clears the state flags of the next hops of a multipath route.
func clearNextHopState(hops []byte) {
	for len(hops) >= unix.SizeofRtNexthop {
		hops[2] &= onLink
		length := int(binary.NativeEndian.Uint16(hops))
		if length < unix.SizeofRtNexthop || padded(length) > len(hops) {
			return
		}
		hops = hops[padded(length):]
	}
}

// add adds the route again, after existing ones with the same metric.
func (r *kernelRoute) add() error {
	return r.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
}

// remove removes exactly this route.
func (r *kernelRoute) remove() error { return r.request(unix.RTM_DELROUTE, 0) }

func (r *kernelRoute) request(typ, flags int) error {
	request := nl.NewNetlinkRequest(typ, flags|unix.NLM_F_ACK)
	request.AddRawData(r.message)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// equal reports whether two routes are the same.
func (r *kernelRoute) equal(other *kernelRoute) bool {
	return string(r.message) == string(other.message)
}

// String describes where the route leads, in pppd's words; a multipath route by its first next
// hop.
func (r *kernelRoute) String() string {
	if r.gateway.IsValid() {
		return "via " + r.gateway.String()
	}
	link, err := netlink.LinkByIndex(r.device)
	if err != nil || r.header.Type != unix.RTN_UNICAST {
		return "to nowhere" // an unreachable or blackhole route has no device
	}
	return "through " + link.Attrs().Name
}
