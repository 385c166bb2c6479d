package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"upppoe/internal/mgmt/servercontrol"
)

// Overview is what the page shows of a server besides its sessions.
type Overview struct {
	Status     servercontrol.Status `json:"status"`
	Stats      servercontrol.Stats  `json:"stats"`
	Interfaces []Interface          `json:"interfaces"`
	Traffic    *Rates               `json:"traffic,omitempty"` // of all sessions; absent: not measured yet
	Pools      []servercontrol.Pool `json:"pools"`
	Control    bool                 `json:"control"` // sessions may be ended
	Login      bool                 `json:"login"`   // a token is needed, and there is something to log out of
	CSRF       string               `json:"csrf,omitempty"`
}

// Interface is an interface that is served.
type Interface struct {
	Name     string               `json:"name"`  // with its VLANs
	Short    string               `json:"short"` // without them
	Traffic  *Rates               `json:"traffic,omitempty"`
	Sessions *int                 `json:"sessions,omitempty"`
	Queue    *servercontrol.Queue `json:"queue,omitempty"` // absent: the interface is lost
}

func (s *Server) overview() Overview {
	o := Overview{Status: s.program.CurrentStatus(), Stats: s.program.CurrentStats(), Pools: s.program.Pools(), Control: s.cfg.Control, Login: s.token.Load() != nil, Traffic: s.traffic.now("")}
	if o.Pools == nil {
		o.Pools = []servercontrol.Pool{}
	}
	for _, name := range o.Status.Interfaces {
		short := shortName(name)
		one := Interface{Name: name, Short: short, Traffic: s.traffic.now(short)}
		if n, ok := s.table.counted(short); ok {
			one.Sessions = &n
		}
		for i := range o.Stats.Queues {
			if q := &o.Stats.Queues[i]; q.Interface == short {
				one.Queue = q
			}
		}
		o.Interfaces = append(o.Interfaces, one)
	}
	return o
}

// shortName returns an interface of Status without the VLANs that are served there.
func shortName(name string) string {
	short, _, _ := strings.Cut(name, ",")
	return short
}

func shortNames(names []string) (short []string) {
	for _, name := range names {
		short = append(short, shortName(name))
	}
	return short
}

func (s *Server) serveOverview(w http.ResponseWriter, _ *http.Request) {
	o := s.overview()
	if s.cfg.Control {
		o.CSRF = s.csrf
	}
	writeJSON(w, o)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(toJSON(v)) // an error is that of the client's connection
}

// toJSON encodes a value of this package, which cannot fail.
func toJSON(v any) []byte {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic("no JSON: " + err.Error())
	}
	return b.Bytes()
}
