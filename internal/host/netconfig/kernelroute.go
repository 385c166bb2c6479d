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

// kernelRoute is a route as the kernel tells it: octet for octet, so that it can be
// made again with all its attributes, those that this program does not know too.
type kernelRoute struct {
	header  unix.RtMsg
	message []byte // rtmsg and attributes, fit to be sent back
	table   int
	metric  int
	device  int        // index; 0: none
	gateway netip.Addr // invalid: none
}

// Attributes of routes that x/sys does not name, and flags that a request may bear.
const (
	rtaNextHopID = 30 // RTA_NH_ID
	onLink       = 4  // RTNH_F_ONLINK
)

// kernelRoutes lists the routes of a family that a function picks.
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
	if errors.Is(err, netlink.ErrDumpInterrupted) { // changed meanwhile: what was seen counts
		err = nil
	}
	return picked, errors.Join(err, bad)
}

var errRoute = errors.New("the kernel's route cannot be read")

// parseRoute reads a message of type RTM_NEWROUTE, which it copies.
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
	// One that refers to a next hop object tells its content too, but takes but one.
	shared := slices.ContainsFunc(attrs, func(a attribute) bool { return a.baseType() == rtaNextHopID })
	header := r.header
	header.Flags &= onLink // the rest says how the route is, like "link down"
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

// readAttribute heeds what the program itself must know.
func (r *kernelRoute) readAttribute(a attribute) {
	switch typ := a.baseType(); {
	case typ == unix.RTA_GATEWAY:
		r.gateway = addrFromIP(a.value)
	case typ == unix.RTA_VIA && len(a.value) > 2: // of another family: behind that
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

// readFirstNextHop heeds the first of several ways.
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

// appendAttribute appends an attribute to the message, if the kernel would take it back.
func (r *kernelRoute) appendAttribute(a attribute, shared bool) {
	switch a.baseType() {
	case unix.RTA_CACHEINFO: // how it has been used
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

// clearNextHopState clears what each of several ways says of its state.
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

// add makes the route again, behind those that are there with the same metric.
func (r *kernelRoute) add() error {
	return r.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
}

// remove removes this route and no other.
func (r *kernelRoute) remove() error { return r.request(unix.RTM_DELROUTE, 0) }

func (r *kernelRoute) request(typ, flags int) error {
	request := nl.NewNetlinkRequest(typ, flags|unix.NLM_F_ACK)
	request.AddRawData(r.message)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// equal reports whether two are the same route.
func (r *kernelRoute) equal(other *kernelRoute) bool {
	return string(r.message) == string(other.message)
}

// String says where the route leads, in pppd's words. One that leads several ways is
// described by the first.
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
