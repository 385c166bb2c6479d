package explain

import "time"

// Report is what a capture has. All texts are printable: those of peers are escaped.
type Report struct {
	File     string     `json:"file"`
	Format   string     `json:"format"`
	Packets  int        `json:"packets"`
	PPPoE    int        `json:"pppoe_packets"`
	First    *time.Time `json:"first,omitempty"` // of all packets
	Last     *time.Time `json:"last,omitempty"`
	Notes    []string   `json:"notes"`    // about the capture itself
	Sessions []*Session `json:"sessions"` // in the order of their first packets
	// OmittedSessions were explained, went well, and are not kept: see Options.MaxSessions.
	OmittedSessions int `json:"omitted_sessions,omitempty"`
	// UnexplainedPackets belong to sessions for which there was no room.
	UnexplainedPackets int `json:"unexplained_packets,omitempty"`
}

// Failed reports whether a session went wrong.
func (r *Report) Failed() bool {
	for _, s := range r.Sessions {
		if s.Problem() != nil {
			return true
		}
	}
	return false
}

// Outcomes of a session.
const (
	Established = "established" // a network protocol was open
	Failed      = "failed"      // it was not, and something went wrong
	Incomplete  = "incomplete"  // the capture does not say
	Probe       = "probe"       // the host asked which concentrators there are, and wanted no session
)

// Session is a session, or an attempt to get one.
type Session struct {
	Number    int     `json:"number"`
	Interface int     `json:"interface,omitempty"` // number of the interface in the capture
	VLAN      string  `json:"vlan,omitempty"`      // empty: untagged
	ID        string  `json:"session_id,omitempty"`
	Host      Station `json:"host"`
	AC        Station `json:"ac"`
	// RolesUnknown: which end is the host is not in the capture; Host is the first that sent.
	RolesUnknown bool      `json:"roles_unknown,omitempty"`
	Start        time.Time `json:"start"`
	Seconds      float64   `json:"seconds"` // to the last packet
	Outcome      string    `json:"outcome"`
	// SetupSeconds is the time from the first packet until a network protocol was open; absent: it was
	// not, or the first packet is not of the set-up.
	SetupSeconds *float64  `json:"setup_seconds,omitempty"`
	End          *End      `json:"end,omitempty"`
	Agreed       Agreed    `json:"agreed"`
	Problems     []Problem `json:"problems"` // in the order of their packets
	Notes        []string  `json:"notes"`
	Events       []Event   `json:"events"`
	// OmittedEvents is how many events before the last ones are not kept.
	OmittedEvents int     `json:"omitted_events,omitempty"`
	Traffic       Traffic `json:"traffic"`
}

// Problem returns the first problem that is no warning, or nil.
func (s *Session) Problem() *Problem {
	for i := range s.Problems {
		if s.Problems[i].Severity == severityError {
			return &s.Problems[i]
		}
	}
	return nil
}

// Station is one end of a session.
type Station struct {
	Address string `json:"address,omitempty"` // empty: not captured
	Vendor  string `json:"vendor,omitempty"`
	Name    string `json:"name,omitempty"` // of an AC: its AC-Name; of a host: its user
}

// End is how a session ended.
type End struct {
	By      string  `json:"by"` // host, ac, or an Ethernet address of neither
	How     string  `json:"how"`
	Text    string  `json:"text,omitempty"` // the reason that was sent
	Frame   int     `json:"frame"`
	Seconds float64 `json:"seconds"` // since the session's start
}

// Agreed is what both ends agreed on. What is absent was not agreed, or not captured.
type Agreed struct {
	MaxPayload int      `json:"ppp_max_payload,omitempty"` // RFC 4638
	MRU        *Numbers `json:"mru,omitempty"`
	Magic      *Texts   `json:"magic,omitempty"`
	Auth       []Auth   `json:"authentication,omitempty"`
	IPv4       *Texts   `json:"ipv4,omitempty"`
	DNS        []string `json:"dns,omitempty"`
	WINS       []string `json:"wins,omitempty"`
	IPv6       *Texts   `json:"ipv6,omitempty"` // link-local addresses
}

// Numbers is a number of each end: for an MRU, what it can receive, in octets.
type Numbers struct {
	Host int `json:"host"`
	AC   int `json:"ac"`
}

// Texts is a value of each end.
type Texts struct {
	Host string `json:"host,omitempty"`
	AC   string `json:"ac,omitempty"`
}

// Auth is how one end authenticated itself to the other.
type Auth struct {
	By       string `json:"by"` // host or ac: who had to
	Protocol string `json:"protocol"`
	User     string `json:"user,omitempty"`
	Result   string `json:"result"` // accepted, refused, none
	Message  string `json:"message,omitempty"`
}

// Severities of a problem.
const (
	severityError   = "error"   // the session failed or ended by it
	severityWarning = "warning" // it works, but not as it should
)

// Problem is something that went wrong.
type Problem struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	Frame    int     `json:"frame"` // the packet that shows it; of a missing answer: the request
	Seconds  float64 `json:"seconds"`
	Text     string  `json:"text"`
	RFC      string  `json:"rfc"`
	Advice   string  `json:"advice"`
}

// Event is a packet, or a run of packets of data and echoes.
type Event struct {
	Frame          int      `json:"frame"`
	Seconds        float64  `json:"seconds"` // since the session's start
	From           string   `json:"from"`    // host, ac, or another Ethernet address
	Protocol       string   `json:"protocol"`
	What           string   `json:"what"` // the packet's name
	Text           string   `json:"text,omitempty"`
	Packet         string   `json:"packet,omitempty"` // in pppd's words
	Retransmission bool     `json:"retransmission,omitempty"`
	Comments       []string `json:"comments,omitempty"` // of the capture file
	Problems       []string `json:"problems,omitempty"` // their codes
}

// Traffic counts what passed after the set-up.
type Traffic struct {
	Packets      Numbers `json:"packets"` // of data, sent by each end
	Octets       Octets  `json:"octets"`
	EchoRequests Numbers `json:"echo_requests"`
	EchoReplies  Numbers `json:"echo_replies"`
}

// Octets counts octets that each end sent.
type Octets struct {
	Host int64 `json:"host"`
	AC   int64 `json:"ac"`
}
