package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
	"upppoe/internal/mgmt/status"
)

// Limits and times of streams.
const (
	maxStreams = 16
	// slowReader is how long a reader may not read before its connection is closed.
	slowReader = 10 * time.Second
	// batchTime is the least time between two writes of events.
	batchTime        = 100 * time.Millisecond
	sessionInterval  = time.Second
	overviewInterval = 2 * time.Second
)

// SessionNow is a session as it is now.
type SessionNow struct {
	ID       uint64      `json:"id"`
	Ended    bool        `json:"ended,omitempty"` // there is nothing else then
	Title    string      `json:"title"`           // the user, or what else identifies it
	State    string      `json:"state"`
	Details  [][2]string `json:"details"` // names and texts
	BitsUp   *uint64     `json:"bits_up,omitempty"`
	BitsDown *uint64     `json:"bits_down,omitempty"`
	RTT      float64     `json:"rtt_ms,omitempty"`
}

// stream is one response of server-sent events (HTML, section 9.2).
type stream struct {
	server *Server
	w      http.ResponseWriter
	out    *http.ResponseController
	from   *http.Request
	buffer bytes.Buffer

	session uint64 // that is looked at; 0: none
	before  *servercontrol.Session
	at      time.Time // of before
}

// serveEvents sends the last events at once, events as they happen, an overview every two seconds, and with a parameter id that session every
// second.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("id"), 10, 64)
	if err != nil && r.URL.Query().Has("id") {
		http.Error(w, "id: give the number of a session", http.StatusBadRequest)
		return
	}
	defer s.streams.Add(-1)
	if s.streams.Add(1) > maxStreams {
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d pages are open already", maxStreams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	st := &stream{server: s, w: w, out: http.NewResponseController(w), from: r, session: id}
	st.run()
}

// run sends until the reader has gone, does not read, or is not logged in any more.
func (st *stream) run() {
	watcher, past, unwatch := st.server.events.watch()
	defer unwatch()
	overview, session := time.NewTicker(overviewInterval), time.NewTicker(sessionInterval)
	defer overview.Stop()
	defer session.Stop()
	fmt.Fprint(&st.buffer, "retry: 2000\n\n")
	st.sendOverview()
	st.sendSession()
	st.send("past", toJSON(past))
	var pause <-chan time.Time // of events
	ready := watcher.ready
	for st.flush() == nil {
		select {
		case <-ready:
			st.sendEvents(watcher.take())
			ready, pause = nil, time.After(batchTime)
		case <-pause:
			ready = watcher.ready
		case <-overview.C:
			if !st.server.isLoggedIn(st.from) {
				return
			}
			st.sendOverview()
		case <-session.C:
			st.sendSession()
		case <-st.from.Context().Done():
			return
		}
	}
}

// send adds a message, whose data is a line of JSON.
func (st *stream) send(kind string, data []byte) {
	fmt.Fprintf(&st.buffer, "event: %s\ndata: %s\n\n", kind, bytes.TrimSuffix(data, []byte("\n")))
}

// flush writes what was sent.
func (st *stream) flush() error {
	if st.buffer.Len() == 0 {
		return nil
	}
	if err := st.out.SetWriteDeadline(time.Now().Add(st.server.slow)); err != nil {
		return err
	}
	if _, err := st.buffer.WriteTo(st.w); err != nil {
		return err
	}
	return st.out.Flush()
}

func (st *stream) sendEvents(lines [][]byte, missed int) {
	for _, line := range lines {
		st.send("happened", line)
	}
	if missed > 0 {
		st.send("happened", toJSON(status.Missed(missed)))
	}
}

func (st *stream) sendOverview() { st.send("overview", toJSON(st.server.overview())) }

// sendSession sends the session that is looked at, with its rates since the last time.
func (st *stream) sendSession() {
	if st.session == 0 {
		return
	}
	s, ok := st.server.program.Session(st.session)
	if !ok {
		st.send("session", toJSON(SessionNow{ID: st.session, Ended: true}))
		st.session = 0
		return
	}
	now := time.Now()
	if st.before != nil {
		later := s.Traffic
		s.Traffic = st.before.Traffic
		sessiontable.SetRates(&s, later, now.Sub(st.at))
	}
	st.before, st.at = &s, now
	st.send("session", toJSON(sessionNow(&s)))
}

func sessionNow(s *servercontrol.Session) SessionNow {
	n := SessionNow{ID: s.ID, Title: s.User, State: s.State, BitsUp: s.BitsUp, BitsDown: s.BitsDown, RTT: s.RoundTrip}
	if n.Title == "" {
		n.Title = s.MAC
	}
	for _, d := range sessiontable.Details(s) {
		n.Details = append(n.Details, [2]string{d.Name, d.Text})
	}
	return n
}
