package servercontrol

import (
	"net/netip"
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// Session is a session in JSON. Fields that a client's status has too have the same names. Texts of the
// peer and of relay agents are escaped.
type Session struct {
	ID         uint64       `json:"id"`                 // of no other session of this server, ever
	Attachment string       `json:"line"`               // the interface with its VLAN tags
	Interface  string       `json:"interface"`          // without them
	VLAN       string       `json:"vlan,omitempty"`     // 100, or 100.5; empty: untagged
	SessionID  uint16       `json:"session_id"`         // PPPoE's, one of the attachment's
	MAC        string       `json:"mac"`                // the peer's Ethernet address
	User       string       `json:"user,omitempty"`     // empty: not authenticated
	Service    string       `json:"service,omitempty"`  // the Service-Name requested
	State      string       `json:"state"`              // establish, authenticate, network, online or closing
	Device     string       `json:"device,omitempty"`   // the network device
	MTU        int          `json:"mtu,omitempty"`      // octets
	IPv4       *status.IPv4 `json:"ipv4,omitempty"`     // negotiated
	IPv6       *status.IPv6 `json:"ipv6,omitempty"`     // link-local addresses
	Prefixes   []string     `json:"prefixes,omitempty"` // advertised, leased and delegated to it
	OnlineAt   *time.Time   `json:"online_since,omitempty"`
	Seconds    float64      `json:"seconds,omitempty"`   // since then
	RoundTrip  float64      `json:"rtt_ms,omitempty"`    // of the last LCP echo; absent: not measured
	Traffic    *Traffic     `json:"traffic,omitempty"`   // sent: to the peer
	RateUp     uint64       `json:"rate_up,omitempty"`   // limit in kbit/s; absent: none
	RateDown   uint64       `json:"rate_down,omitempty"` // limit in kbit/s; absent: none
	Routes     []string     `json:"framed_routes,omitempty"`
	FilterID   string       `json:"filter_id,omitempty"`
	VRF        string       `json:"vrf,omitempty"` // of the device

	AcctSessionID string `json:"acct_session_id,omitempty"` // of RADIUS; absent: there is none

	CircuitID      string            `json:"circuit_id,omitempty"`
	RemoteID       string            `json:"remote_id,omitempty"`
	RelaySessionID string            `json:"relay_session_id,omitempty"`
	Access         map[string]uint32 `json:"access_line,omitempty"` // TR-101's attributes: rates in kbit/s, delays in ms

	// BitsUp and BitsDown are the present rates in bit/s, where they were measured.
	BitsUp   *uint64 `json:"bits_up,omitempty"`
	BitsDown *uint64 `json:"bits_down,omitempty"`
}

// Traffic is a session's traffic: that of a client's status, and why packets were dropped.
type Traffic struct {
	status.Traffic
	Spoofed  uint64 `json:"spoofed,omitempty"`
	Exceeded uint64 `json:"exceeded,omitempty"` // over a rate
	Isolated uint64 `json:"isolated,omitempty"`
}

func trafficOf(c datapath.Counters) *Traffic {
	return &Traffic{*status.TrafficOf(c), c.Spoofed, c.Exceeded, c.Isolated}
}

// sessionOf converts a session.
func sessionOf(s *pppoe.SessionStatus, now time.Time) Session {
	j := Session{
		ID: s.Generation, Attachment: s.SessionInfo.Interface, Interface: s.Ethernet, VLAN: s.VLAN, SessionID: s.SessionID,
		MAC: s.Peer.String(), User: wire.Escape(s.User), Service: wire.Escape(s.Service), State: stateOf(s.Phase),
		Device: s.Device, MTU: s.MTU, Prefixes: texts(s.Prefixes), RoundTrip: milliseconds(s.RoundTrip),
		Traffic: trafficOf(s.Counters),
	}
	if s.HasIPv4() {
		j.IPv4 = &status.IPv4{Local: s.IPv4.Local.String(), Remote: s.IPv4.Remote.String()}
	}
	if s.HasIPv6() {
		j.IPv6 = &status.IPv6{Local: s.IPv6.Local.LinkLocal().String(), Remote: s.IPv6.Remote.LinkLocal().String()}
	}
	if !s.Opened.IsZero() {
		opened := s.Opened
		j.OnlineAt, j.Seconds = &opened, now.Sub(opened).Seconds()
	}
	if p := s.Policy; p != nil {
		j.RateUp, j.RateDown, j.Routes, j.FilterID = p.Up.Bits/kilobit, p.Down.Bits/kilobit, texts(p.FramedRoutes), wire.Escape(p.FilterID)
		j.VRF = p.VRF
	}
	j.setAccessLine(s.AccessLine)
	return j
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

const kilobit = 1000

// stateOf returns the state of a phase, in a client's word where it has one.
func stateOf(p pppoe.SessionPhase) string {
	if p == pppoe.PhaseTerminate {
		return string(status.Closing)
	}
	return p.String()
}

// setAccessLine sets what is known of the access line; nil: nothing.
func (j *Session) setAccessLine(a *wire.AccessLine) {
	if a == nil {
		return
	}
	j.CircuitID, j.RemoteID, j.RelaySessionID = wire.Escape(a.CircuitID), wire.Escape(a.RemoteID), wire.Escape(a.RelaySessionID)
	for kind, value := range a.Attributes() {
		if j.Access == nil {
			j.Access = make(map[string]uint32)
		}
		j.Access[accessNames[kind]] = value
	}
}

// accessNames are the names of TR-101's attributes in JSON.
var accessNames = map[wire.LineAttribute]string{
	wire.ActualRateUp: "actual_rate_up", wire.ActualRateDown: "actual_rate_down",
	wire.MinRateUp: "min_rate_up", wire.MinRateDown: "min_rate_down",
	wire.AttainableRateUp: "attainable_rate_up", wire.AttainableRateDown: "attainable_rate_down",
	wire.MaxRateUp: "max_rate_up", wire.MaxRateDown: "max_rate_down",
	wire.MinLowPowerRateUp: "min_low_power_rate_up", wire.MinLowPowerRateDown: "min_low_power_rate_down",
	wire.MaxDelayUp: "max_delay_up", wire.ActualDelayUp: "actual_delay_up",
	wire.MaxDelayDown: "max_delay_down", wire.ActualDelayDown: "actual_delay_down",
	wire.AccessLoopEncapsulation: "access_loop_encapsulation", wire.IWFSession: "iwf_session",
}

func texts(prefixes []netip.Prefix) (all []string) {
	for _, p := range prefixes {
		if p.IsValid() {
			all = append(all, p.String())
		}
	}
	return all
}
