package servercontrol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/mgmt/control"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// Server is what the requests need of a pppoe.Server.
type Server interface {
	Sessions() iter.Seq[pppoe.SessionStatus]
	Disconnect(pppoe.SessionKey, pppoe.DisconnectMode, session.Reason) error
	ChangePolicy(pppoe.SessionKey, func(*pppoe.SessionPolicy)) error
	Drain(bool)
	Stats() pppoe.Stats
	Lookup(generation uint64) (pppoe.SessionKey, bool)
	Session(pppoe.SessionKey) (pppoe.SessionStatus, error)
}

var _ Server = (*pppoe.Server)(nil)

// Program is the program that is controlled. Its functions are called concurrently.
type Program struct {
	Server Server
	Info   Info // of Status
	// Reload reads the configuration again. An error says that nothing has changed.
	Reload func() (warnings []string, err error)
	// Upgrade replaces the program by an executable; empty: the same path. An error says that it goes on.
	// Upgrading is called before, and what it returns when the response is complete.
	Upgrade   func(executable string, progress func(text string)) (UpgradeStep, error)
	Upgrading func() (done func())
	// Pools returns how much of the address pools is used.
	Pools func() []Pool
	// Cluster returns the state of the cluster, or nil; a nil function: there is none.
	Cluster func() *Cluster
	// AllActive returns the state of an all-active cluster, or nil; a nil function: there is none. FreeMachine
	// frees what another machine has, and returns how many keys that were.
	AllActive   func() *AllActive
	FreeMachine func(name string) (keys int, err error)
	// Store returns the state of the store of sessions, or nil; a nil function: there is none.
	Store func() *Store
	// NAS makes the Acct-Session-Id of a session of its ID; nil: there is no RADIUS.
	NAS *radius.NAS
	// RADIUS has numbers for stats.
	RADIUS RADIUS
}

// Result is the last line of a response.
type Result struct {
	Done     bool     `json:"done,omitempty"`
	Count    int      `json:"count"`              // of rows, or of sessions that were changed
	Warnings []string `json:"warnings,omitempty"` // of reload
	Error    string   `json:"error,omitempty"`    // why the request was not carried out
	Code     string   `json:"code,omitempty"`     // of the error: one of the codes below
	Matches  []string `json:"matches,omitempty"`  // some of the sessions among which one must be named
}

// Codes of errors.
const (
	CodeInvalid   = "invalid"    // the request's arguments
	CodeNoSession = "no-session" // none matches
	CodeAmbiguous = "ambiguous"  // several match, and not all are wanted
	CodeRefused   = "refused"    // by the program
)

// Query is the arguments of the request sessions.
type Query struct {
	Filter
	TrafficOnly bool `json:"traffic_only,omitempty"` // rows have only id, state, rtt_ms and traffic
	// TrafficBefore is TrafficOnly for sessions that were online before this time. Who reads again and
	// again gives the time of the read before.
	TrafficBefore time.Time `json:"traffic_before,omitzero"`
}

// trafficOnly reports whether a session's row is short.
func (q *Query) trafficOnly(s *pppoe.SessionStatus) bool {
	return q.TrafficOnly || !s.Opened.IsZero() && s.Opened.Before(q.TrafficBefore)
}

// Disconnect is the arguments of the request disconnect.
type Disconnect struct {
	Filter
	All    bool   `json:"all,omitempty"`    // all that match; else there must be one
	Hard   bool   `json:"hard,omitempty"`   // with a PADT at once, instead of LCP Terminate
	Reason string `json:"reason,omitempty"` // what the peer is told
}

// Update is the arguments of the request update. What is nil stays.
type Update struct {
	Filter
	All      bool    `json:"all,omitempty"`
	RateUp   *uint64 `json:"rate_up,omitempty"`   // kbit/s; 0: no limit
	RateDown *uint64 `json:"rate_down,omitempty"` // kbit/s; 0: no limit
	Burst    *uint64 `json:"burst,omitempty"`     // ms
}

// Requests returns the handlers of the requests, for control.Config.
func (p *Program) Requests() map[string]func(*control.Call) {
	return map[string]func(*control.Call){
		"sessions":   handler(p.sessions),
		"disconnect": handler(p.disconnect),
		"update":     handler(p.update),
		"drain":      handler(func(struct{}, *json.Encoder) Result { p.Server.Drain(true); return Result{Done: true} }),
		"undrain":    handler(func(struct{}, *json.Encoder) Result { p.Server.Drain(false); return Result{Done: true} }),
		"reload":     handler(p.reload),
		"free":       handler(p.freeMachine),
		"upgrade":    p.handleUpgrade,
		"pools":      handler(p.pools),
		"stats":      handler(p.stats),
	}
}

// FreeMachine is the arguments of the request free.
type FreeMachine struct {
	Machine string `json:"machine"`
}

// freeMachine frees what another machine of the cluster has.
func (p *Program) freeMachine(a FreeMachine, _ *json.Encoder) Result {
	if p.FreeMachine == nil {
		return Result{Error: "there is no cluster", Code: CodeRefused}
	}
	n, err := p.FreeMachine(a.Machine)
	if err != nil {
		return Result{Error: err.Error(), Code: CodeRefused, Count: n}
	}
	return Result{Done: true, Count: n}
}

// handler returns the handler of a request: it decodes the arguments, and encodes the Result after the
// rows.
func handler[A any](do func(A, *json.Encoder) Result) func(*control.Call) {
	return func(c *control.Call) {
		w := bufio.NewWriterSize(c, 64<<10)
		defer w.Flush()
		rows := json.NewEncoder(w)
		rows.SetEscapeHTML(false)
		rows.Encode(respond(c.Arguments, do, rows)) // an error is that of the connection, which is over
	}
}

func respond[A any](arguments string, do func(A, *json.Encoder) Result, rows *json.Encoder) Result {
	var a A
	if arguments != "" {
		if err := decode(arguments, &a); err != nil {
			return Result{Error: err.Error(), Code: CodeInvalid}
		}
	}
	return do(a, rows)
}

// decode decodes arguments. An unknown one, or a wrong type, is an error.
func decode(arguments string, to any) error {
	d := json.NewDecoder(strings.NewReader(arguments))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("arguments of the request: %w", err)
	}
	return nil
}

// sessions encodes the sessions that match.
func (p *Program) sessions(q Query, rows *json.Encoder) Result {
	n, gone := 0, false
	err := p.EachSession(q, func(s *Session) bool {
		gone = rows.Encode(s) != nil
		n++
		return !gone
	})
	switch {
	case err != nil:
		return Result{Error: err.Error(), Code: CodeInvalid}
	case gone:
		return Result{} // the reader has gone, or does not read
	}
	return Result{Done: true, Count: n}
}

// maxMatches is how many sessions an error of an ambiguous request names.
const maxMatches = 10

// each applies a function to the sessions that match: to one, unless all are wanted.
func (p *Program) each(f Filter, all bool, do func(pppoe.SessionKey) error) Result {
	m, err := p.matcher(f)
	switch {
	case err != nil:
		return Result{Error: err.Error(), Code: CodeInvalid}
	case f.IsEmpty() && !all:
		return Result{Error: "no session is named: give a filter, or all", Code: CodeInvalid}
	}
	var keys []pppoe.SessionKey
	var matches []string
	for s := range p.Server.Sessions() {
		if m.matches(&s) {
			if keys = append(keys, s.Key()); len(matches) < maxMatches {
				matches = append(matches, describe(&s))
			}
		}
	}
	switch {
	case len(keys) == 0 && !(all && f.IsEmpty()):
		return Result{Error: "no session matches", Code: CodeNoSession}
	case len(keys) > 1 && !all:
		return Result{Error: fmt.Sprintf("%d sessions match: name one, or give all", len(keys)), Code: CodeAmbiguous, Matches: matches}
	}
	done := 0
	for _, key := range keys {
		switch err := do(key); {
		case err == nil:
			done++
		case !errors.Is(err, pppoe.ErrNoSession): // it has ended meanwhile
			return Result{Error: err.Error(), Code: CodeRefused, Count: done}
		}
	}
	return Result{Done: true, Count: done}
}

// describe describes a session in one line.
func describe(s *pppoe.SessionStatus) string {
	j := sessionOf(s, time.Now())
	text := fmt.Sprintf("id %d: %s on %s", j.ID, j.MAC, j.Attachment)
	if j.User != "" {
		text += ", user " + j.User
	}
	if j.IPv4 != nil {
		text += ", " + j.IPv4.Remote
	}
	return text
}

// defaultReason is what the peer is told without a reason.
const defaultReason = "disconnected by the operator"

func (p *Program) disconnect(d Disconnect, _ *json.Encoder) Result { return p.End(d) }

// End ends sessions, as the request disconnect.
func (p *Program) End(d Disconnect) Result {
	how, why := pppoe.DisconnectSoft, session.Reason{Cause: session.CauseUserRequest, Text: d.Reason}
	if d.Hard {
		how = pppoe.DisconnectHard
	}
	if why.Text == "" {
		why.Text = defaultReason
	}
	return p.each(d.Filter, d.All, func(key pppoe.SessionKey) error { return p.Server.Disconnect(key, how, why) })
}

func (p *Program) update(u Update, _ *json.Encoder) Result {
	if err := u.check(); err != nil {
		return Result{Error: err.Error(), Code: CodeInvalid}
	}
	return p.each(u.Filter, u.All, func(key pppoe.SessionKey) error { return p.Server.ChangePolicy(key, u.apply) })
}

// maxBurst is that of option rate-burst, in ms.
const maxBurst = 60_000

func (u *Update) check() error {
	for name, rate := range map[string]*uint64{"rate_up": u.RateUp, "rate_down": u.RateDown} {
		if rate != nil && *rate > datapath.MaxRate/kilobit {
			return fmt.Errorf("%s %d: give at most %d kbit/s", name, *rate, uint64(datapath.MaxRate/kilobit))
		}
	}
	switch {
	case u.Burst != nil && (*u.Burst == 0 || *u.Burst > maxBurst):
		return fmt.Errorf("burst %d: give 1 to %d ms", *u.Burst, maxBurst)
	case u.RateUp == nil && u.RateDown == nil && u.Burst == nil:
		return errors.New("nothing to change: give rate_up, rate_down or burst")
	}
	return nil
}

// apply changes a policy.
func (u *Update) apply(p *pppoe.SessionPolicy) {
	if u.RateUp != nil {
		p.Up.Bits = *u.RateUp * kilobit
	}
	if u.RateDown != nil {
		p.Down.Bits = *u.RateDown * kilobit
	}
	if u.Burst != nil {
		p.Up.Burst = time.Duration(*u.Burst) * time.Millisecond
		p.Down.Burst = p.Up.Burst
	}
}

func (p *Program) reload(struct{}, *json.Encoder) Result {
	warnings, err := p.Reload()
	if err != nil {
		return Result{Error: err.Error(), Code: CodeRefused, Warnings: warnings}
	}
	return Result{Done: true, Warnings: warnings}
}

// Pool is a pool of addresses or prefixes.
type Pool struct {
	Name   string `json:"name"`
	Family string `json:"family"` // ipv4, ipv6 or delegated
	// Kind is networks, addresses or delegated, and Length that of each prefix. Of IPv4 pools they are not set.
	Kind   string `json:"kind,omitempty"`
	Length int    `json:"length,omitempty"`
	Range  string `json:"range"`
	Size   uint64 `json:"size"` // addresses or prefixes
	Used   uint64 `json:"used"` // by sessions now
	// Free are the others, and Reserved those of them that accounts have for their own. Refused are the
	// logins that got none.
	Free     uint64 `json:"free"`
	Reserved uint64 `json:"reserved"`
	Refused  uint64 `json:"refused"`
}

func (p *Program) pools(_ struct{}, rows *json.Encoder) Result {
	all := p.Pools()
	for _, pool := range all {
		rows.Encode(pool)
	}
	return Result{Done: true, Count: len(all)}
}

func (p *Program) stats(_ struct{}, rows *json.Encoder) Result {
	rows.Encode(p.CurrentStats())
	return Result{Done: true, Count: 1}
}
