package allactive

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Questions of one machine to another: the value of askKey.
const (
	questionEnd   = "end"   // the session that has the key, which another takes over
	questionCheck = "check" // whether its client is there
)

// ask asks a machine about a key that it has, once, and reports whether it has answered.
func (c *claiming) ask(ctx context.Context, p Pair, question string) (answered bool) {
	name := machineOf(p.Value)
	key := fmt.Sprintf("%s%s/%d/%s", askKey, name, p.Revision, p.Key)
	if name == c.cfg.Name {
		return false
	}
	t := Txn{If: []Cond{{Key: key, Absent: true}}}
	asked := c.asked[key]
	if !asked {
		c.mu.Lock()
		t.Put = []Pair{{Key: key, Value: question, Lease: c.live.id}}
		c.mu.Unlock()
		if c.asked == nil {
			c.asked = make(map[string]bool)
		}
		c.asked[key] = true
	}
	r, err := c.batch.do(c.runContext(), ctx, t)
	return err == nil && r.Done && asked
}

// resetQuestions is called with all questions to this machine, and questionChanged with new ones.
func (m *Member) resetQuestions(all []Pair) {
	for _, p := range all {
		m.questionChanged(p, false)
	}
}

func (m *Member) questionChanged(p Pair, deleted bool) {
	revision, key, ok := parseQuestion(strings.TrimPrefix(p.Key, askKey+m.cfg.Name+"/"))
	if deleted || !ok {
		return
	}
	m.mu.Lock()
	var holders []uint64
	switch of := m.claims.keys[key]; {
	case of == nil && m.settled && isClaim(key): // of an earlier program, or about to be deleted
		m.deleteAt(key, revision)
	case of != nil && (of.revision == revision || of.revision == 0):
		holders = slices.Clone(of.holders)
	}
	sessions := m.sessions
	m.deleteAt(p.Key, p.Revision)
	m.mu.Unlock()
	if sessions == nil {
		return
	}
	for _, s := range holders {
		if p.Value == questionEnd {
			sessions.End(s, "user has logged in at another machine")
		} else {
			sessions.Check(s)
		}
	}
}

// parseQuestion parses the key of a question: about a key, as it was written at a revision.
func parseQuestion(text string) (revision int64, key string, ok bool) {
	number, key, ok := strings.Cut(text, "/")
	revision, err := strconv.ParseInt(number, 10, 64)
	return revision, key, ok && err == nil
}

// maxConfirmed is how many claims are confirmed at once.
const maxConfirmed = 256

// confirm claims what was claimed while etcd was away, and ends the sessions that may not have it.
func (m *Member) confirm(ctx context.Context) {
	m.mu.Lock()
	var keys []string
	for key := range m.claims.pending {
		if keys = append(keys, key); len(keys) == maxConfirmed {
			break
		}
	}
	m.mu.Unlock()
	for chunk := range slices.Chunk(keys, maxTxns) {
		if !m.confirmSome(ctx, chunk) {
			return
		}
	}
}

// confirmSome confirms claims, and reports whether etcd has answered.
func (m *Member) confirmSome(ctx context.Context, keys []string) bool {
	var all []Txn
	m.mu.Lock()
	for _, key := range keys {
		all = append(all, Txn{If: []Cond{{Key: key, Absent: true}}, Put: []Pair{{Key: key, Value: m.cfg.Name, Lease: m.hold.id}}})
	}
	m.mu.Unlock()
	results, err := m.commitAll(ctx, all)
	if err != nil {
		return false
	}
	for i, r := range results {
		if r.Done {
			m.confirmOne(keys[i], r.Revision)
		} else if is := find(r.Found, keys[i]); is != nil && !m.confirmFound(ctx, *is) {
			return false
		}
	}
	return true
}

func (m *Member) confirmOne(key string, revision int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.claims.written(key, revision) {
		m.deleteAt(key, revision)
	}
}

// confirmFound decides about a claim whose key exists: an older session of another machine is asked to end,
// where it is replaced; a newer one has it. false: etcd does not answer.
func (m *Member) confirmFound(ctx context.Context, is Pair) bool {
	m.mu.Lock()
	put := Pair{Key: is.Key, Value: m.cfg.Name, Lease: m.hold.id}
	m.mu.Unlock()
	conditions := []Cond{{Key: is.Key, Revision: is.Revision}}
	if is.Value != m.cfg.Name {
		conditions = append(conditions, Cond{Key: liveKey + is.Value, Absent: true})
	}
	r, err := m.batch.do(ctx, ctx, Txn{If: conditions, Put: []Pair{put}})
	switch {
	case err != nil:
		return false
	case r.Done:
		m.confirmOne(is.Key, r.Revision)
		return true
	}
	m.mu.Lock()
	of := m.claims.keys[is.Key]
	if of == nil {
		m.mu.Unlock()
		return true
	}
	newer := of.replace && of.since > is.Revision
	holders, sessions := slices.Clone(of.holders), m.sessions
	m.mu.Unlock()
	switch {
	case newer:
		(&claiming{Member: m}).ask(ctx, is, questionEnd)
	case sessions != nil:
		for _, s := range holders {
			sessions.End(s, InUseError{whatIs(is.Key), []string{is.Value}}.Error())
		}
	}
	return true
}
