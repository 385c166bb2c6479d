package servercontrol

import (
	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/coa"
	"upppoe/internal/aaa/radius"
)

// RADIUS is where the numbers of RADIUS are read. A nil field: there is none.
type RADIUS struct {
	Auth, Acct *radius.Client
	Accounting *accounting.Accounting
	CoA        *coa.Server
}

// RADIUSServer is a RADIUS server in one of its uses. Its numbers are totals.
type RADIUSServer struct {
	Server          string `json:"server"` // address and port
	Use             string `json:"use"`    // auth or acct
	Up              bool   `json:"up"`     // not known to be dead
	Requests        uint64 `json:"requests"`
	Retransmissions uint64 `json:"retransmissions"`
	Answers         uint64 `json:"answers"`
	Timeouts        uint64 `json:"timeouts"` // requests without an answer
	Dropped         uint64 `json:"dropped"`  // answers that were not valid
}

// Accounting are the records of accounting: those that wait now, in memory, in the spool or for an answer,
// and totals.
type Accounting struct {
	Memory      int    `json:"memory"`
	Spool       int    `json:"spool"`
	Sent        int    `json:"sent"`
	Answered    uint64 `json:"answered"`
	Dropped     uint64 `json:"dropped"`
	SpoolErrors uint64 `json:"spool_errors"`
}

// CoA are the numbers of CoA-Requests and Disconnect-Requests.
type CoA struct {
	Acknowledged uint64 `json:"acknowledged"`
	Refused      uint64 `json:"refused"`
	// Dropped are requests by the reason. They are not answered.
	Dropped map[string]uint64 `json:"dropped"`
}

// addTo adds the numbers of RADIUS to those of the server.
func (r RADIUS) addTo(s *Stats) {
	if r.Auth != nil {
		s.RADIUS = append(s.RADIUS, radiusServers(r.Auth.Stats(), "auth")...)
	}
	if r.Acct != nil {
		s.RADIUS = append(s.RADIUS, radiusServers(r.Acct.Stats(), "acct")...)
	}
	if r.Accounting != nil {
		s.Accounting = accountingOf(r.Accounting.Stats())
	}
	if r.CoA != nil {
		s.CoA = coaOf(r.CoA.Stats())
	}
}

func radiusServers(s radius.Stats, use string) (all []RADIUSServer) {
	for _, one := range s.Servers {
		j := RADIUSServer{
			Server: one.Addr.String(), Use: use, Up: !one.Dead, Requests: one.Requests, Retransmissions: one.Retransmitted,
			Answers: one.Answers, Timeouts: one.Timeouts,
		}
		for _, n := range one.Drops {
			j.Dropped += n
		}
		all = append(all, j)
	}
	return all
}

func accountingOf(s accounting.Stats) *Accounting {
	return &Accounting{
		Memory: s.Memory, Spool: s.Spooled, Sent: s.Sending, Answered: s.Sent,
		Dropped: s.DroppedStart + s.DroppedInterim + s.DroppedStop, SpoolErrors: s.SpoolErrors,
	}
}

func coaOf(s coa.Stats) *CoA {
	return &CoA{Acknowledged: s.ACKs, Refused: s.NAKs, Dropped: byReason(s.Drops)}
}
