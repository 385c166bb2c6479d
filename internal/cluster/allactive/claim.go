package allactive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ErrEnded is the error of Claim for a session that has ended meanwhile.
var ErrEnded = errors.New("the session has ended")

// InUseError says that other machines have what a session claims.
type InUseError struct {
	What     string
	Machines []string
}

func (e InUseError) Error() string {
	return fmt.Sprintf("%s is in use at machine %s", e.What, strings.Join(e.Machines, ", "))
}

// Claim claims what a session wants, in place of what it had. It waits for etcd and for other machines, up to
// Timing.Claim. While etcd is away it claims later, unless logins are refused then. The error is why the session
// must not begin: an InUseError, ErrAway or ErrEnded (wrapped).
func (m *Member) Claim(ctx context.Context, session uint64, w Want) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timing.Claim)
	defer cancel()
	m.noteClaiming(session, 1)
	defer m.noteClaiming(session, -1)
	for _, p := range w.Fixed {
		if _, err := m.leaseFixed(ctx, p); err != nil {
			return err
		}
	}
	c := &claiming{Member: m, session: session, want: w}
	err := c.run(ctx)
	if err == nil {
		err = c.settle()
	}
	if err != nil {
		c.undo()
	}
	return err
}

// noteClaiming notes that a login of a session begins to claim, or ends.
func (m *Member) noteClaiming(session uint64, change int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.claims.sessions[session]; s != nil {
		s.claiming += change
	}
}

// claiming is a session that claims what it wants.
type claiming struct {
	*Member
	session uint64
	want    Want
	atOnce  bool     // or not at all: no claim is shared with another session, or postponed
	keys    []string // that it has now
	before  []string // that it had
	retry   time.Duration
	asked   map[string]bool // questions that were asked
}

func (c *claiming) run(ctx context.Context) error {
	c.mu.Lock()
	s := c.claims.sessions[c.session]
	if s == nil {
		c.mu.Unlock()
		return ErrEnded
	}
	c.before = slices.Clone(s.keys)
	keys := c.keysOf(c.want)
	c.mu.Unlock()
	if c.want.isCounted() {
		if err := c.claimUser(ctx); err != nil {
			return err
		}
	}
	for _, key := range keys {
		if err := c.claimKey(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// settle gives back what the session had and does not want any more.
func (c *claiming) settle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claims.sessions[c.session] == nil {
		return ErrEnded
	}
	for _, key := range c.before {
		if !slices.Contains(c.keys, key) {
			c.release(c.session, key)
		}
	}
	return nil
}

// undo gives back what was claimed.
func (c *claiming) undo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.keys {
		c.release(c.session, key)
	}
}

// hold makes the session a holder of a key, and reports whether nothing is to be written. An unconnected
// machine writes it later.
func (c *claiming) hold(key string) (done bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claims.sessions[c.session] == nil {
		return false, ErrEnded
	}
	if c.atOnce && c.claims.has(key) {
		return false, InUseError{whatIs(key), []string{c.cfg.Name}}
	}
	c.keys = append(c.keys, key)
	if c.claims.hold(c.session, key, c.want.Replace) || len(c.claims.keys[key].holders) > 1 {
		return true, nil
	}
	if !c.connected() {
		return true, c.postpone(key)
	}
	return false, nil
}

// postpone claims a key when etcd is back. m.mu is held.
func (c *claiming) postpone(key string) error {
	if c.cfg.RefuseAway || c.expired || c.atOnce {
		return ErrAway
	}
	c.claims.later(key, c.revision)
	return nil
}

// drop is the end of a claim that was not written.
func (c *claiming) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = slices.DeleteFunc(c.keys, func(k string) bool { return k == key })
	c.claims.drop(c.session, key)
}

// A key that another machine has is tried again after minRetry, then after twice that, up to maxRetry.
const (
	minRetry = 10 * time.Millisecond
	maxRetry = 300 * time.Millisecond
)

// claimKey claims a key, from whichever machine has it.
func (c *claiming) claimKey(ctx context.Context, key string) error {
	if done, err := c.hold(key); done || err != nil {
		return err
	}
	for {
		found, err := c.try(ctx, key)
		if found == nil || err != nil {
			return err
		}
		if err := c.wait(ctx, []Pair{*found}); err != nil {
			return err
		}
	}
}

// wait asks the machine that has the first of some keys to end its session, and waits a moment. Where sessions
// are not replaced, it asks whether the client is there: an answer, whichever, means that the machine is alive.
func (c *claiming) wait(ctx context.Context, found []Pair) error {
	inUse := InUseError{What: whatIs(found[0].Key)}
	for _, p := range found {
		if name := machineOf(p.Value); !slices.Contains(inUse.Machines, name) {
			inUse.Machines = append(inUse.Machines, name)
		}
	}
	question := questionEnd
	if !c.want.Replace {
		question = questionCheck
	}
	if answered := c.ask(ctx, found[0], question); answered && !c.want.Replace {
		return inUse
	}
	c.retry = min(max(2*c.retry, minRetry), maxRetry)
	timer := time.NewTimer(c.retry)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return inUse
	case <-timer.C:
		return nil
	}
}

// try writes a key, and returns what a machine that is alive has there; nil: the key is written, or will be.
func (c *claiming) try(ctx context.Context, key string) (found *Pair, err error) {
	c.mu.Lock()
	put := Pair{Key: key, Value: c.cfg.Name, Lease: c.Member.hold.id}
	c.mu.Unlock()
	conditions := []Cond{{Key: key, Absent: true}}
	for {
		r, err := c.write(ctx, Txn{If: conditions, Put: []Pair{put}})
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.doubt = true
			return nil, c.postpone(key)
		}
		if r.Done {
			return nil, nil
		}
		is := find(r.Found, key)
		switch {
		case is == nil:
			conditions = []Cond{{Key: key, Absent: true}}
		case is.Value == c.cfg.Name: // of a session that has ended, or of an earlier program
			conditions = []Cond{{Key: key, Revision: is.Revision}}
		case conditions[0].Revision != is.Revision: // a machine that is not alive loses it
			conditions = []Cond{{Key: key, Revision: is.Revision}, {Key: liveKey + is.Value, Absent: true}}
		default:
			return is, nil
		}
	}
}

// write executes a transaction that writes a key, and notes that it has, also if that is not waited for.
func (c *claiming) write(ctx context.Context, t Txn) (Result, error) {
	return c.batch.doThen(c.runContext(), ctx, t, func(r Result) { c.confirmOne(t.Put[0].Key, r.Revision) })
}

func find(all []Pair, key string) *Pair {
	for i := range all {
		if all[i].Key == key {
			return &all[i]
		}
	}
	return nil
}

// claimUser claims one of the sessions that a user may have.
func (c *claiming) claimUser(ctx context.Context) error {
	user, limit := c.want.User, c.want.Limit
	if limit == 1 { // where this machine has it, the server decides which session remains
		return c.claimKey(ctx, userOf(user, 0))
	}
	for {
		var found []Pair
		for n := range limit {
			key := userOf(user, n)
			if own := c.ownClaim(key); own != nil {
				if c.has(key) {
					c.keys = append(c.keys, key)
					return nil
				}
				found = append(found, *own.pair)
				continue
			}
			if done, err := c.hold(key); done || err != nil {
				return err
			}
			other, err := c.try(ctx, key)
			if other == nil || err != nil {
				return err
			}
			c.drop(key)
			found = append(found, *other)
		}
		slices.SortStableFunc(found, func(a, b Pair) int { return cmp.Compare(a.Revision, b.Revision) })
		if own := c.ownClaim(found[0].Key); own != nil && c.want.Replace {
			return c.replaceOwn(ctx, found[0].Key)
		}
		if err := c.wait(ctx, found); err != nil {
			return err
		}
	}
}

// maxCounted is up to which limit the sessions of a user are counted on all machines.
const maxCounted = 256

// isCounted reports whether the sessions of the user are counted.
func (w *Want) isCounted() bool { return w.User != "" && w.Limit > 0 && w.Limit <= maxCounted }

// ownClaim is a claim of this machine.
type ownClaim struct {
	mine bool
	pair *Pair
}

// ownClaim returns the claim of this machine on a key; nil: it has none.
func (c *claiming) ownClaim(key string) *ownClaim {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.claims.keys[key]
	if of == nil {
		return nil
	}
	revision := of.revision
	if !of.mine && revision == 0 {
		revision = math.MaxInt64 // it is being claimed
	}
	return &ownClaim{of.mine, &Pair{Key: key, Value: c.cfg.Name, Revision: revision}}
}

// has reports whether the session has a key already.
func (c *claiming) has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.claims.holds(c.session, key)
}

// replaceOwn takes a key over from a session of this machine, which ends.
func (c *claiming) replaceOwn(ctx context.Context, key string) error {
	c.mu.Lock()
	var holders []uint64
	if of := c.claims.keys[key]; of != nil {
		holders = slices.Clone(of.holders)
	}
	sessions := c.sessions
	c.mu.Unlock()
	err := c.claimKey(ctx, key)
	for _, s := range holders {
		if err == nil && s != c.session {
			sessions.End(s, "user has logged in again")
		}
	}
	return err
}

// whatIs describes a key for the log and for clients.
func whatIs(key string) string {
	switch {
	case strings.HasPrefix(key, userKey):
		return "the number of sessions of this user is reached: it"
	case strings.HasPrefix(key, routeKey):
		p, _, _ := cutRoute(key)
		return "framed route " + p.String()
	}
	return "address " + strings.TrimSuffix(strings.TrimPrefix(key, addressKey), "/32")
}

// cutRoute parses the key of a framed route.
func cutRoute(key string) (p netip.Prefix, vrf string, ok bool) {
	text := strings.TrimPrefix(key, routeKey)
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return p, "", false
	}
	p, err := netip.ParsePrefix(text[:i])
	return p, text[i+1:], err == nil
}
