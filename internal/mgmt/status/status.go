// Package status keeps the status of a client's session, and translates events, for programs: both
// in JSON. It does not send them.
package status

import (
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// State is what the client does.
type State string

// States.
const (
	Dialling State = "dialling" // discovery and PPP
	Online   State = "online"
	Closing  State = "closing"
	Waiting  State = "waiting" // for the next dial
	Ended    State = "ended"
)

// Status is a client's status.
type Status struct {
	PID        int        `json:"pid"`
	Call       string     `json:"call,omitempty"` // the peers file
	Link       string     `json:"link,omitempty"` // pppd's linkname
	Attachment string     `json:"line"`           // the Ethernet interface, with its VLAN tags
	State      State      `json:"state"`
	Since      time.Time  `json:"since"` // beginning of the state
	WaitingFor string     `json:"waiting_for,omitempty"`
	Carrier    string     `json:"carrier,omitempty"` // link state of the Ethernet interface
	Device     string     `json:"device,omitempty"`
	SessionID  uint16     `json:"session_id,omitempty"`
	AC         string     `json:"ac,omitempty"`
	ACName     string     `json:"ac_name,omitempty"`
	Service    string     `json:"service,omitempty"`
	MTU        int        `json:"mtu,omitempty"`
	DataPath   string     `json:"data_path,omitempty"` // kernel or user space, and why; empty: not reported
	IPv4       *IPv4      `json:"ipv4,omitempty"`
	IPv6       *IPv6      `json:"ipv6,omitempty"`
	Dials      int        `json:"dials"`
	Traffic    *Traffic   `json:"traffic,omitempty"`
	LastEnd    *End       `json:"last_end,omitempty"`
	OnlineAt   *time.Time `json:"online_since,omitempty"`
	RedialAt   *time.Time `json:"redial_at,omitempty"` // while waiting for hold-off
	RoundTrip  float64    `json:"rtt_ms,omitempty"`    // of the last LCP echo; absent: not measured
	Echoes     *Echoes    `json:"echoes,omitempty"`    // of the session; absent: none was sent
}

// IPv4 is a session's IPv4 addressing.
type IPv4 struct {
	Local  string   `json:"local"`
	Remote string   `json:"remote"`
	DNS    []string `json:"dns,omitempty"`
}

// IPv6 is a session's link-local addresses, and what Router Advertisements and DHCPv6 have
// configured.
type IPv6 struct {
	Local     string   `json:"local"`
	Remote    string   `json:"remote"`
	Addresses []string `json:"addresses,omitempty"` // global, with prefix length
	Delegated []string `json:"delegated,omitempty"` // prefixes
	DNS       []string `json:"dns,omitempty"`
	Services
}

// Services are the services that a DHCPv6 server has returned (option dhcp6-request).
type Services struct {
	AFTR  string   `json:"aftr,omitempty"` // Dual-Stack Lite's tunnel endpoint
	NTP   []string `json:"ntp,omitempty"`  // addresses and names
	SNTP  []string `json:"sntp,omitempty"`
	MAPE  []string `json:"map_e,omitempty"` // rules, as NAME=VALUE separated by commas
	MAPT  []string `json:"map_t,omitempty"`
	LW4o6 []string `json:"lw4o6,omitempty"`
	// FourRD is 4rd's container in hexadecimal.
	FourRD string `json:"4rd,omitempty"`
}

// Traffic is a session's traffic: IP packets, and their octets.
type Traffic struct {
	SentPackets     uint64 `json:"sent_packets"`
	SentBytes       uint64 `json:"sent_bytes"`
	ReceivedPackets uint64 `json:"received_packets"`
	ReceivedBytes   uint64 `json:"received_bytes"`
	Dropped         uint64 `json:"dropped"`
}

// Echoes counts the LCP Echo-Requests of a session.
type Echoes struct {
	Sent uint64 `json:"sent"`
	Lost uint64 `json:"lost"` // had no answer when the next was sent
}

// SetEchoes sets what LCP echoes have measured.
func (s *Status) SetEchoes(e pppoe.EchoStats) {
	s.RoundTrip = float64(e.RoundTrip) / float64(time.Millisecond)
	if e.Sent > 0 {
		s.Echoes = &Echoes{e.Sent, e.Lost}
	}
}

// End is why a dial or a session ended.
type End struct {
	Reason   string `json:"reason"` // one word, for programs
	Text     string `json:"text,omitempty"`
	ExitCode int    `json:"exit_code"`
}

// TrafficOf converts a session's counters.
func TrafficOf(c datapath.Counters) *Traffic {
	return &Traffic{c.SentPackets, c.SentBytes, c.ReceivedPackets, c.ReceivedBytes, c.Dropped}
}
