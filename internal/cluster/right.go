package cluster

import (
	"math"
	"slices"
	"time"
)

// Time is one of the machine's clock, CLOCK_BOOTTIME: since its boot.
type Time = time.Duration

// Forever is the deadline of a machine that has no others.
const Forever Time = math.MaxInt64

// Timing is how long rights last. Zero: the default of DefaultTiming.
type Timing struct {
	Lease   time.Duration // from a write of the owner key until another machine may write it
	Guard   time.Duration // how much earlier the owner stops
	Renew   time.Duration // how often the owner key is written or read
	Consent time.Duration // how long a consent holds
	Away    time.Duration // without an answer for so long, etcd is away
	Grace   time.Duration // for the owner, when etcd is back; not longer than etcd was away
}

// DefaultTiming lets a standby take over about two seconds after the owner's last renewal.
var DefaultTiming = Timing{
	Lease: 2 * time.Second, Guard: 250 * time.Millisecond, Renew: 250 * time.Millisecond,
	Consent: 1500 * time.Millisecond, Away: 700 * time.Millisecond, Grace: 3 * time.Second,
}

// Owner is the owner key as a machine has read it.
type Owner struct {
	Machine  string // empty: nobody owns it, at once
	Term     uint64 // how many owners there were
	Lease    time.Duration
	Revision int64 // of etcd; 0: there is no key
}

// longAgo is before everything.
const longAgo Time = math.MinInt64 / 2

// right is what one machine knows of who may send, and what it may do by that. Its methods are given the
// time; they do no I/O. Calls must not be concurrent.
type right struct {
	Timing
	name   string
	others []string

	owner     Owner
	term      uint64 // the highest of an owner, also of keys that were deleted
	seen      Time   // when the owner key, as it is, was received first
	looked    bool   // it was received
	missing   bool   // this machine owns the key, which somebody has deleted
	acquiring bool   // a write of the owner key by this machine, which does not own it, may succeed yet

	mine     bool
	renewed  Time            // when the last successful write was begun
	consents map[string]Time // by machine: when the question was asked that it answered last

	answered  Time // when the last request began that etcd has answered
	patience  Time // until then etcd, which is back, is left to the owner
	consented Time // until then this machine does not begin
	healthy   bool // it could serve
}

func newRight(name string, others []string, timing Timing) *right {
	return &right{Timing: timing, name: name, others: others, consents: make(map[string]Time), answered: longAgo, consented: longAgo, healthy: true}
}

// saw is called with the owner key as it was received by a request that began at a time, or by a watch
// (longAgo), and reports whether this machine has lost it. What it has learnt since is newer, unless etcd was
// restored from a copy. The owner of a key that was deleted has not lost it: until its deadline no other machine
// may have written it, and it writes it again.
func (r *right) saw(now, began Time, owner Owner) (lost bool) {
	if r.looked && (owner == r.owner || owner.Revision < r.owner.Revision && began < r.seen) {
		return false
	}
	if r.mine && owner.Revision == 0 && now+r.Lease/3 < r.deadline() {
		r.missing = true
		return false
	}
	if r.mine && (owner.Machine != r.owner.Machine || owner.Term != r.owner.Term) {
		r.mine, lost = false, true
	}
	if owner.Machine != r.name {
		r.acquiring = false // its condition cannot hold any more
	}
	r.owner, r.seen, r.looked, r.missing = owner, now, true, false
	r.term = max(r.term, owner.Term)
	return lost
}

// acquired is called when the write of acquires, begun at a time, has succeeded.
func (r *right) acquired(now, began Time, owner Owner) {
	r.saw(now, began, owner)
	r.acquiring, r.mine, r.renewed = false, true, began
}

// renewedAt is called when the owner key was written again by its owner, which began with it at a time. It
// has no effect if this machine has lost the key meanwhile.
func (r *right) renewedAt(now, began Time, owner Owner) {
	if r.mine && r.owner.Term == owner.Term {
		r.saw(now, began, owner)
		r.renewed = max(r.renewed, began)
	}
}

// answeredSince is called when etcd has answered a request that began at a time.
func (r *right) answeredSince(now, began Time) {
	if away := now - r.answered; away >= r.Away && r.consented > r.answered {
		r.patience = now + min(away, r.Grace)
	}
	r.answered = max(r.answered, began)
}

// reaches reports whether the machine can rely on etcd.
func (r *right) reaches(now Time) bool { return now-r.answered < r.Away && now >= r.patience }

// deadline returns until when this machine may send; 0: it may not.
func (r *right) deadline() Time {
	if !r.mine {
		return 0
	}
	if len(r.others) == 0 {
		return Forever
	}
	byConsent := Forever
	for _, o := range r.others {
		asked, ok := r.consents[o]
		if !ok {
			return r.renewed + r.Lease - r.Guard
		}
		byConsent = min(byConsent, asked+r.Consent-r.Guard)
	}
	return max(byConsent, r.renewed+r.Lease-r.Guard)
}

// acquirable returns when this machine may write its name into the owner key, as far as the key and its
// consents decide.
func (r *right) acquirable() Time {
	free := r.seen
	if r.owner.Machine != "" || r.owner.Revision == 0 {
		free += max(r.Lease, r.owner.Lease)
	}
	return max(free, r.consented)
}

// mayAcquire reports whether this machine may write its name into the owner key now.
func (r *right) mayAcquire(now Time) bool {
	return r.looked && !r.mine && r.healthy && r.reaches(now) && now >= r.acquirable()
}

// acquires is called before the write for which mayAcquire was true: this machine does not consent until
// its outcome is known, or settles it.
func (r *right) acquires() Owner {
	r.acquiring = true
	return Owner{Machine: r.name, Term: r.term + 1, Lease: r.Lease}
}

// settled is called when the write of acquires has failed for certain.
func (r *right) settled() { r.acquiring = false }

// needsConsent reports whether this machine should ask the others: its lease was not renewed in time.
func (r *right) needsConsent(now Time) bool {
	return r.mine && len(r.others) > 0 && now-r.renewed > 2*r.Renew
}

// consentedBy is called with the answer of another machine to a question asked at a time.
func (r *right) consentedBy(machine string, asked Time) {
	if r.mine && slices.Contains(r.others, machine) {
		r.consents[machine] = max(r.consents[machine], asked)
	}
}

// consent reports whether this machine consents to another's question, which it then has.
func (r *right) consent(now Time) bool {
	if r.mine || r.acquiring || r.reaches(now) {
		return false
	}
	r.consented = max(r.consented, now+r.Consent)
	return true
}

// resign ends this machine's right, before it tells anybody.
func (r *right) resign() { r.mine = false }
