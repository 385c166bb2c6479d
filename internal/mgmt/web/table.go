package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/serversample"
	"upppoe/internal/mgmt/sessiontable"
)

// Limits of a request for sessions.
const (
	maxSearch   = 64
	maxRows     = 200
	defaultRows = 50
)

// Times of the samples that all readers share.
const (
	// leastAge is how long a sample is used; longer, if reading it takes more than a twentieth of that.
	leastAge   = time.Second
	ageFactor  = 20
	forgetTime = time.Minute // after which nobody looks
)

// sessionTable has the sessions as they were read last. It reads them only when somebody asks.
type sessionTable struct {
	mu     sync.Mutex
	reader serversample.Reader
	last   *serversample.Sample // nil: there is none
	all    map[uint64]*servercontrol.Session
	on     map[string]int // sessions by interface, and by interface with VLAN tags
	took   time.Duration
	used   time.Time
}

func (t *sessionTable) init(p *servercontrol.Program) {
	t.reader = serversample.Reader{Source: source{p}, Now: time.Now}
}

// source reads the program itself.
type source struct{ *servercontrol.Program }

func (s source) Status() (servercontrol.Status, error) { return s.CurrentStatus(), nil }
func (s source) Stats() (servercontrol.Stats, error)   { return s.CurrentStats(), nil }
func (s source) Sessions(q servercontrol.Query, row func(*servercontrol.Session)) error {
	return s.EachSession(q, func(one *servercontrol.Session) bool {
		kept := *one
		row(&kept)
		return true
	})
}

// refresh reads the sessions, unless it did a short time ago. The table must be locked.
func (t *sessionTable) refresh() error {
	now := t.reader.Now()
	t.used = now
	if t.last != nil && now.Sub(t.last.At) < max(leastAge, ageFactor*t.took) {
		return nil
	}
	sample, err := t.reader.Read()
	if err != nil {
		return err
	}
	elapsed := time.Duration(0)
	if t.last != nil {
		elapsed = sample.At.Sub(t.last.At)
	}
	t.all = serversample.Merge(sample, t.all, elapsed)
	t.count()
	sample.Sessions = nil // for the garbage collector: all has them
	t.last, t.took = sample, t.reader.Now().Sub(now)
	return nil
}

// count counts the sessions of each interface.
func (t *sessionTable) count() {
	t.on = make(map[string]int)
	for _, s := range t.all {
		t.on[s.Interface]++
		if s.Attachment != s.Interface {
			t.on[s.Attachment]++
		}
	}
}

// counted returns the number of sessions on an interface; ok is false if nobody has looked.
func (t *sessionTable) counted(name string) (n int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.on[name], t.last != nil
}

// forget frees the memory of the sessions when nobody has looked for a while.
func (t *sessionTable) forget(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last != nil && now.Sub(t.used) > forgetTime {
		t.last, t.all, t.on, t.took = nil, nil, nil, 0
		t.reader = serversample.Reader{Source: t.reader.Source, Now: t.reader.Now}
	}
}

// tableQuery is which sessions are wanted: those that contain a text, sorted, and of these some.
type tableQuery struct {
	search        string
	sort          sessiontable.Column
	reverse       bool
	offset, limit int
}

func parseTableQuery(v url.Values) (q tableQuery, err error) {
	q = tableQuery{search: strings.TrimSpace(v.Get("q")), limit: defaultRows}
	name, ok := v.Get("sort"), false
	if name == "" {
		name = "id"
	}
	name, q.reverse = strings.CutPrefix(name, "-")
	if q.sort, ok = sessiontable.Named(name); !ok {
		return q, fmt.Errorf("sort: there is no column %q: give one of %s", name, strings.Join(sessiontable.Names(), ", "))
	}
	if len(q.search) > maxSearch {
		return q, fmt.Errorf("q: give at most %d octets", maxSearch)
	}
	for name, to := range map[string]*int{"offset": &q.offset, "limit": &q.limit} {
		if text := v.Get(name); text != "" {
			if *to, err = strconv.Atoi(text); err != nil || *to < 0 {
				return q, fmt.Errorf("%s: give a number", name)
			}
		}
	}
	if q.limit > maxRows {
		return q, fmt.Errorf("limit: give at most %d", maxRows)
	}
	return q, nil
}

// Table is a part of the sessions, as in pppoe-server sessions.
type Table struct {
	Sessions int         `json:"sessions"` // all
	Matching int         `json:"matching"` // that contain the text
	Offset   int         `json:"offset"`   // of the first row; at most the number of matching ones
	Columns  []TableHead `json:"columns"`
	Rows     []TableRow  `json:"rows"`
}

// TableHead is a column.
type TableHead struct {
	Name  string `json:"name"` // to sort by
	Title string `json:"title"`
	Right bool   `json:"right,omitempty"`
	Rank  int    `json:"rank,omitempty"` // those of the greatest rank are hidden first
}

// TableRow is a session.
type TableRow struct {
	ID    uint64   `json:"id"`
	State string   `json:"state"`
	Cells []string `json:"cells"`
}

// read returns the sessions that are wanted.
func (t *sessionTable) read(q tableQuery) (Table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refresh(); err != nil {
		return Table{}, err
	}
	var found []*servercontrol.Session
	for _, s := range t.all {
		if sessiontable.Matches(s, q.search) {
			found = append(found, s)
		}
	}
	sessiontable.Sort(found, &q.sort, q.reverse)
	page := Table{Sessions: len(t.all), Matching: len(found), Columns: heads()}
	page.Offset = min(q.offset, len(found))
	found = found[page.Offset:min(len(found), page.Offset+q.limit)]
	_, cells := sessiontable.Cells(sessiontable.Columns, len(found), func(i int) *servercontrol.Session { return found[i] }, true)
	page.Rows = make([]TableRow, len(found))
	for i, s := range found {
		page.Rows[i] = TableRow{s.ID, s.State, cells[i]}
	}
	return page, nil
}

func heads() (all []TableHead) {
	for _, c := range sessiontable.Columns {
		all = append(all, TableHead{c.Name, c.Title, c.Right, c.Rank})
	}
	return all
}

func (s *Server) serveSessions(w http.ResponseWriter, r *http.Request) {
	q, err := parseTableQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page, err := s.table.read(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, page)
}
