package top

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/mgmt/units"
)

// ClientSource reads clients. Its methods are called by one goroutine.
type ClientSource interface {
	// Clients returns the status of the clients to show.
	Clients() ([]status.Status, error)
	// RecentEvents returns the last events of one, the newest last.
	RecentEvents(pid int) ([]status.Event, error)
}

// ClientConfig configures the view of clients.
type ClientConfig struct {
	Source   ClientSource
	Interval time.Duration
}

// clientSample is what was read of clients.
type clientSample struct {
	at      time.Time
	clients []status.Status
	events  []status.Event // of the client that is shown
	of      int            // its process ID
}

func (s *clientSample) readAt() time.Time { return s.at }

// client is what is known of a client.
type client struct {
	status.Status
	at       time.Time // of Status
	up, down *uint64   // bit/s; nil: not measured
	sent     history
	received history
}

// clientView is the view of clients: of one, or a list to choose from.
type clientView struct {
	cfg    ClientConfig
	now    func() time.Time
	all    map[int]*client // by process ID
	order  []int           // process IDs, in the order of the list
	chosen int             // the process ID of the client that is shown; 0: the list
	one    bool            // there has been no list to choose from
	events []status.Event  // of the client that is shown

	selected int // process ID in the list
	at       time.Time
	offset   int
	rows     int
	paused   bool
	help     bool
	took     time.Duration
	err      error
}

func newClientView(cfg ClientConfig, now func() time.Time) *clientView {
	return &clientView{cfg: cfg, now: now, all: make(map[int]*client), one: true}
}

func (v *clientView) reader() func() (sample, error) {
	shown, source, now := v.chosen, v.cfg.Source, v.now
	return func() (sample, error) {
		s := &clientSample{at: now()}
		var err error
		if s.clients, err = source.Clients(); err != nil {
			return nil, err
		}
		if s.of = shown; len(s.clients) == 1 {
			s.of = s.clients[0].PID
		}
		if s.of != 0 {
			s.events, err = source.RecentEvents(s.of)
		}
		if !slices.ContainsFunc(s.clients, func(c status.Status) bool { return c.PID == s.of }) {
			err = nil // it has just ended
		}
		return s, err
	}
}

func (v *clientView) pause() time.Duration {
	if v.paused {
		return -1
	}
	return every(v.cfg.Interval, v.took)
}

func (v *clientView) update(read sample, took time.Duration, err error) {
	v.took, v.err = took, err
	if err != nil {
		return
	}
	s := read.(*clientSample)
	v.at = s.at
	before := v.all
	v.all, v.order = make(map[int]*client), nil
	for _, is := range s.clients {
		c := before[is.PID]
		if c == nil {
			c = &client{}
		}
		c.update(is, s.at)
		v.all[is.PID] = c
		v.order = append(v.order, is.PID)
	}
	slices.SortFunc(v.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(v.all[a].name(), v.all[b].name()), cmp.Compare(a, b))
	})
	v.choose(s)
}

// choose shows the only client, or the list if the one that is shown has ended.
func (v *clientView) choose(s *clientSample) {
	v.one = v.one && len(v.order) <= 1
	if v.one && len(v.order) == 1 {
		v.chosen = v.order[0]
	}
	if v.all[v.chosen] == nil {
		v.chosen = 0
	}
	if v.all[v.selected] == nil && len(v.order) > 0 {
		v.selected = v.order[0]
	}
	if v.events = nil; s.of == v.chosen {
		v.events = s.events
	}
}

// update takes a later status.
func (c *client) update(is status.Status, at time.Time) {
	before, elapsed := c.Traffic, at.Sub(c.at).Seconds()
	sameSession := c.OnlineAt != nil && is.OnlineAt != nil && c.OnlineAt.Equal(*is.OnlineAt)
	c.Status, c.at, c.up, c.down = is, at, nil, nil
	if before == nil || is.Traffic == nil || !sameSession || elapsed <= 0 {
		if !sameSession {
			c.sent, c.received = history{}, history{}
		}
		return
	}
	rate := func(before, after uint64, h *history) *uint64 {
		bits := uint64(float64(8*(after-min(before, after))) / elapsed)
		h.add(bits)
		return &bits
	}
	c.up = rate(before.SentBytes, is.Traffic.SentBytes, &c.sent)
	c.down = rate(before.ReceivedBytes, is.Traffic.ReceivedBytes, &c.received)
}

// name returns the name of a client in a list.
func (c *client) name() string {
	return cmp.Or(c.Call, c.Link, c.Device, c.Attachment, strconv.Itoa(c.PID))
}

// uptime returns how long the session has been online; empty: it is not.
func (c *client) uptime() string {
	if c.OnlineAt == nil {
		return ""
	}
	return units.Uptime(c.at.Sub(*c.OnlineAt).Seconds())
}

func (v *clientView) handleKey(key, _ string) action {
	switch key {
	case "ctrl+c":
		return action{quit: true}
	case "q":
		if !v.help {
			return action{quit: true}
		}
		v.help = false
	case "p", "space", " ":
		v.paused = !v.paused
		return action{read: !v.paused}
	case "?", "h", "f1":
		v.help = !v.help
	case "enter":
		return v.open()
	case "esc", "backspace", "left":
		return v.back()
	default:
		v.move(key)
	}
	return action{}
}

// open shows the client that is selected in the list.
func (v *clientView) open() action {
	if v.chosen != 0 || v.all[v.selected] == nil {
		return action{}
	}
	v.chosen, v.offset, v.events = v.selected, 0, nil
	return action{read: !v.paused}
}

// back leaves the help, or a client for the list if there are others.
func (v *clientView) back() action {
	switch {
	case v.help:
		v.help = false
	case len(v.order) > 1 && v.chosen != 0:
		v.selected, v.chosen, v.offset = v.chosen, 0, 0
	}
	return action{}
}

// move moves the selection in the list, or scrolls.
func (v *clientView) move(key string) {
	if v.chosen != 0 || v.help {
		v.offset = max(0, v.offset+steps(key, v.rows, maxScroll))
		return
	}
	if row := slices.Index(v.order, v.selected); row >= 0 {
		v.selected = v.order[max(0, min(row+steps(key, v.rows, len(v.order)), len(v.order)-1))]
	}
}

// maxScroll is more than the lines of a client.
const maxScroll = 1000

func (v *clientView) done(string, error) {}
