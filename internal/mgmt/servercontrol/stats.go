package servercontrol

import (
	"encoding/json"
	"os"
	"time"

	"upppoe/internal/version"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// Info is what does not change while a server runs.
type Info struct {
	ACName     string
	Interfaces []string
	Since      time.Time
}

// Status is a server's status.
type Status struct {
	PID         int        `json:"pid"`
	Version     string     `json:"version"`
	ACName      string     `json:"ac_name"`
	Interfaces  []string   `json:"interfaces"`
	State       string     `json:"state"` // serving, draining or standby
	Since       time.Time  `json:"since"` // beginning of the program
	Sessions    int        `json:"sessions"`
	Online      int        `json:"online"`
	HalfOpen    int        `json:"half_open"`
	MaxSessions int        `json:"max_sessions"`
	Cluster     *Cluster   `json:"cluster,omitempty"`
	AllActive   *AllActive `json:"all_active,omitempty"`
	Store       *Store     `json:"store,omitempty"`
	Socket      string     `json:"socket,omitempty"` // set by the command, not by the server
}

// Store is the file of sessions, by which a later program adopts them.
type Store struct {
	File     string `json:"file"`
	Sessions int    `json:"sessions"`
	Bytes    int64  `json:"bytes"`
	Adopted  int    `json:"adopted"`           // at the start of the program
	Ended    int    `json:"ended"`             // that could not be adopted then
	Waiting  int    `json:"waiting"`           // octets that are not in the file yet
	Failing  string `json:"failing,omitempty"` // why nothing can be written now
}

// Cluster is what a machine of a cluster knows of it.
type Cluster struct {
	Machine   string `json:"machine"`              // this one
	Role      string `json:"role"`                 // active or standby
	Active    string `json:"active"`               // the active machine; empty: none
	Term      uint64 `json:"term"`                 // how many active machines there were
	Records   int    `json:"records"`              // of sessions, that this machine has from etcd
	Unwritten int    `json:"unwritten"`            // sessions of which etcd lacks changes
	Consented bool   `json:"consented"`            // active without a lease, as the others consent
	EtcdError string `json:"etcd_error,omitempty"` // of the last request; empty: etcd has answered
}

// AllActive is what a machine of a cluster knows of which all machines are active.
type AllActive struct {
	Machine   string       `json:"machine"` // this one
	Machines  []Machine    `json:"machines"`
	Etcd      string       `json:"etcd"`                 // connected, or away
	EtcdError string       `json:"etcd_error,omitempty"` // why it is away
	LeftS     float64      `json:"left_s"`               // seconds until the sessions end, if etcd does not answer
	Refused   string       `json:"refused,omitempty"`    // why no session can begin
	Blocks    []PoolBlocks `json:"blocks"`
	Claims    int          `json:"claims"`  // users, addresses and routes of sessions
	Pending   int          `json:"pending"` // of these, those that etcd does not have yet
	Problems  []string     `json:"problems,omitempty"`
}

// Machine is a machine of an all-active cluster.
type Machine struct {
	Name   string `json:"name"`
	Alive  bool   `json:"alive"`
	Blocks int    `json:"blocks"`
}

// PoolBlocks are the blocks of a pool.
type PoolBlocks struct {
	Pool      string `json:"pool"`
	Kind      string `json:"kind"` // ipv4, networks, addresses or delegated
	BlockSize int    `json:"block_size"`
	Blocks    uint64 `json:"blocks"`
	Leased    uint64 `json:"leased"` // by all machines
	Own       uint64 `json:"own"`    // of these, by this one
	Used      uint64 `json:"used"`   // addresses or prefixes of sessions of this machine
	Free      uint64 `json:"free"`   // those of its blocks
}

// Roles of a machine.
const (
	Active  = "active"
	Standby = "standby"
)

// States of a server.
const (
	Serving  = "serving"
	Draining = "draining"
)

// Status returns the status as a line of JSON.
func (p *Program) Status() []byte { return object(p.CurrentStatus()) }

// CurrentStatus returns the status.
func (p *Program) CurrentStatus() Status {
	is := p.Server.Stats()
	s := Status{
		PID: os.Getpid(), Version: version.String(), ACName: p.Info.ACName, Interfaces: p.Info.Interfaces, State: Serving, Since: p.Info.Since,
		Sessions: is.Sessions, Online: is.Online, HalfOpen: is.HalfOpen, MaxSessions: is.MaxSessions,
	}
	if is.Draining {
		s.State = Draining
	}
	if p.Cluster != nil {
		if s.Cluster = p.Cluster(); s.Cluster != nil && s.Cluster.Role == Standby {
			s.State = Standby
		}
	}
	if p.AllActive != nil {
		s.AllActive = p.AllActive()
	}
	if p.Store != nil {
		s.Store = p.Store()
	}
	return s
}

// object encodes a value of this package, which cannot fail.
func object(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("no JSON: " + err.Error())
	}
	return text
}

// Stats are the numbers of a server. Those without another word are totals since its start.
type Stats struct {
	Sessions    int               `json:"sessions"`  // now
	Online      int               `json:"online"`    // now
	HalfOpen    int               `json:"half_open"` // now
	MaxSessions int               `json:"max_sessions"`
	Established uint64            `json:"established"` // sessions that discovery has set up
	Opened      uint64            `json:"opened"`      // that came online
	Failed      map[string]uint64 `json:"failed"`      // that ended before, by cause
	Ended       map[string]uint64 `json:"ended"`       // that ended after, by cause
	Accepted    uint64            `json:"auth_accepted"`
	Rejected    uint64            `json:"auth_rejected"`
	Received    Discovery         `json:"received"`
	Sent        Discovery         `json:"sent"`
	Drops       map[string]uint64 `json:"drops"`  // discovery and control frames, by reason
	Queues      []Queue           `json:"queues"` // now

	RADIUS     []RADIUSServer `json:"radius,omitempty"` // absent: there are none
	Accounting *Accounting    `json:"accounting,omitempty"`
	CoA        *CoA           `json:"coa,omitempty"`
}

// Discovery are numbers of discovery packets.
type Discovery struct {
	PADI uint64 `json:"padi,omitempty"`
	PADO uint64 `json:"pado,omitempty"`
	PADR uint64 `json:"padr,omitempty"`
	PADS uint64 `json:"pads,omitempty"`
	PADT uint64 `json:"padt"`
}

// Queue is the frames that wait for an interface's loop.
type Queue struct {
	Interface string `json:"interface"`
	Discovery int    `json:"discovery"`
	Control   int    `json:"control"`
	Capacity  int    `json:"capacity"` // of each
}

func statsOf(s pppoe.Stats) Stats {
	j := Stats{
		Sessions: s.Sessions, Online: s.Online, HalfOpen: s.HalfOpen, MaxSessions: s.MaxSessions, Established: s.Established, Opened: s.Opened,
		Failed: byName(s.Failed), Ended: byName(s.Ended), Accepted: s.Accepted, Rejected: s.Rejected,
		Received: Discovery(s.Received), Sent: Discovery(s.Sent), Drops: byReason(s.Drops), Queues: []Queue{},
	}
	for _, q := range s.Queues {
		j.Queues = append(j.Queues, Queue(q))
	}
	return j
}

func byReason(by map[error]uint64) map[string]uint64 {
	named := make(map[string]uint64)
	for reason, n := range by {
		named[reason.Error()] += n
	}
	return named
}

func byName(by map[session.Cause]uint64) map[string]uint64 {
	named := make(map[string]uint64)
	for cause, n := range by {
		named[cause.String()] = n
	}
	return named
}
