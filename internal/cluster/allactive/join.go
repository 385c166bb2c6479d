package allactive

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// liveValue is what a machine says of itself while it is alive.
type liveValue struct {
	ID    string `json:"id"`
	Host  string `json:"host"`
	Since string `json:"since"`
	// Machines and Pools are as its configuration has them.
	Machines []string          `json:"machines"`
	Pools    map[string]string `json:"pools"`
}

// self is the owner of this machine's blocks.
func (m *Member) self() string { return m.cfg.Name + "/" + m.cfg.ID }

// machineOf returns the machine of an owner.
func machineOf(owner string) string {
	name, _, _ := strings.Cut(owner, "/")
	return name
}

// join makes the leases, and makes the keys of this machine in etcd those that it has: at first it has those
// of its earlier program.
func (m *Member) join(ctx context.Context) error {
	if err := m.findIdentity(ctx); err != nil {
		return err
	}
	if err := m.checkLayout(ctx); err != nil {
		return err
	}
	if err := m.register(ctx); err != nil {
		return err
	}
	began, err := m.continueHold(ctx)
	if err != nil {
		return err
	}
	if err := m.reconcile(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	m.joined, m.expired = true, false
	m.hold.began = max(m.hold.began, began)
	m.cfg.Fence(m.deadline())
	key := joinedKey + m.identity + "/" + m.cfg.Name
	m.mu.Unlock()
	_, err = m.one(ctx, Txn{If: []Cond{{Key: key, Absent: true}}, Put: []Pair{{Key: key, Value: m.cfg.ID}}})
	m.admit()
	m.keep()
	return err
}

// one executes a transaction.
func (m *Member) one(ctx context.Context, t Txn) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timing.Timeout+listTimeout)
	defer cancel()
	return m.batch.do(m.runContext(), ctx, t)
}

func (m *Member) runContext() context.Context {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}

// findIdentity reads the identity of etcd's data, or makes it. Another one than before means that etcd has lost
// its data.
func (m *Member) findIdentity(ctx context.Context) error {
	drawn := rand.Text()
	r, err := m.one(ctx, Txn{If: []Cond{{Key: identityKey, Absent: true}}, Put: []Pair{{Key: identityKey, Value: drawn}}})
	if err != nil {
		return err
	}
	identity := drawn
	if !r.Done {
		identity = r.Found[0].Value
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.identity == identity {
		return nil
	}
	if m.identity != "" {
		m.cfg.Log.Error("cluster: etcd has lost its data: this machine writes again what it has")
	}
	m.identity, m.since, m.complete = identity, m.cfg.Now(), false
	return nil
}

// layout is what all machines must have the same of.
type layout struct {
	BlockSize int `json:"block_size"`
	// Prefixes are the lengths of what is assigned, by IPv6 pool.
	Prefixes map[string]int `json:"prefixes,omitempty"`
}

// checkLayout compares the layout of this machine with that in etcd, and adds its own pools.
func (m *Member) checkLayout(ctx context.Context) error {
	for {
		all, _, err := m.list(ctx, layoutKey)
		if err != nil {
			return err
		}
		is, condition := layout{BlockSize: m.cfg.BlockSize}, Cond{Key: layoutKey, Absent: true}
		if len(all) > 0 {
			if err := json.Unmarshal([]byte(all[0].Value), &is); err != nil {
				return fmt.Errorf("%w: %s is not that of a cluster: %w", ErrLayout, layoutKey, err)
			}
			condition = Cond{Key: layoutKey, Revision: all[0].Revision}
		}
		changed, err := m.addLayout(&is)
		if err != nil || !changed && len(all) > 0 {
			return err
		}
		value, _ := json.Marshal(is) // numbers and strings
		if r, err := m.one(ctx, Txn{If: []Cond{condition}, Put: []Pair{{Key: layoutKey, Value: string(value)}}}); err != nil || r.Done {
			return err
		}
	}
}

// addLayout adds this machine's pools to a layout, and reports whether there were new ones.
func (m *Member) addLayout(to *layout) (changed bool, err error) {
	if to.BlockSize != m.cfg.BlockSize {
		return false, fmt.Errorf("%w: of %d addresses, and the configuration has block-size = %d: give all machines the same; to change it, stop all of them and remove the keys %s and %s*", ErrLayout, to.BlockSize, m.cfg.BlockSize, layoutKey, blockKey)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pools {
		if p.Kind == IPv4 {
			continue
		}
		base := prefixOf(p.Ranges[0])
		for other, bits := range to.Prefixes {
			if bits != p.Bits && overlaps(other, base) {
				return false, fmt.Errorf("%w: %s is divided into /%d, and pool %s (%v) into /%d: give all machines the same length; to change it, stop all of them and remove the keys %s and %s*", ErrLayout, other, bits, p.Name, base, p.Bits, layoutKey, blockKey)
			}
		}
		if to.Prefixes[base.String()] != p.Bits {
			if to.Prefixes == nil {
				to.Prefixes = make(map[string]int)
			}
			to.Prefixes[base.String()], changed = p.Bits, true
		}
	}
	return changed, nil
}

// register says that this machine is alive.
func (m *Member) register(ctx context.Context) error {
	m.mu.Lock()
	id := m.live.id
	m.mu.Unlock()
	began := m.cfg.Now()
	err := ErrNoLease
	if id != 0 {
		_, err = m.renewLease(ctx, id)
	}
	if errors.Is(err, ErrNoLease) {
		err = m.request(ctx, func(ctx context.Context) (err error) {
			id, err = m.cfg.Store.Grant(ctx, m.cfg.Timing.Live)
			return err
		})
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.live = lease{id: id, began: began}
	m.mu.Unlock()
	return m.writeLive(ctx, Pair{Key: liveKey + m.cfg.Name, Value: m.liveText(), Lease: id})
}

// writeLive writes the key of this machine, unless another program has it.
func (m *Member) writeLive(ctx context.Context, p Pair) error {
	condition := Cond{Key: p.Key, Absent: true}
	for {
		r, err := m.one(ctx, Txn{If: []Cond{condition}, Put: []Pair{p}})
		if err != nil || r.Done {
			m.blocked = 0
			return err
		}
		if len(r.Found) == 0 {
			condition = Cond{Key: p.Key, Absent: true}
			continue
		}
		var other liveValue
		if err := json.Unmarshal([]byte(r.Found[0].Value), &other); err != nil || other.ID != m.cfg.ID {
			return m.sameName(other)
		}
		condition = Cond{Key: p.Key, Revision: r.Found[0].Revision}
	}
}

// sameName returns why another program's key is in the way: it is fatal if that is not gone soon.
func (m *Member) sameName(other liveValue) error {
	if m.blocked == 0 {
		m.blocked = m.cfg.Now()
	}
	text := fmt.Sprintf("%q is the name of a server on host %s, since %s", m.cfg.Name, other.Host, other.Since)
	if m.cfg.Now()-m.blocked < 3*m.cfg.Timing.Live {
		return fmt.Errorf("%s: waiting whether it is alive", text)
	}
	return fmt.Errorf("%w: %s: give each machine a name of its own", ErrSameName, text)
}

func (m *Member) liveText() string {
	host, _ := os.Hostname()
	v := liveValue{ID: m.cfg.ID, Host: host, Since: time.Now().UTC().Format(time.RFC3339), Machines: slices.Sorted(slices.Values(m.cfg.Machines)), Pools: make(map[string]string)}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pools {
		v.Pools[string(p.Kind)+" "+p.Name] = p.Text
	}
	b, _ := json.Marshal(v) // strings
	return string(b)
}

// continueHold finds the lease of this machine's keys, or makes one, and returns when its last renewal began.
func (m *Member) continueHold(ctx context.Context) (began Time, err error) {
	key := holdKey + m.self()
	m.mu.Lock()
	id := m.hold.id
	m.mu.Unlock()
	if id == 0 {
		all, _, err := m.list(ctx, key)
		if err != nil {
			return 0, err
		}
		for _, p := range all {
			if n, err := strconv.ParseInt(p.Value, 10, 64); err == nil && p.Key == key {
				id = LeaseID(n)
			}
		}
	}
	var ttl time.Duration
	began, err = m.cfg.Now(), ErrNoLease
	if id != 0 {
		ttl, err = m.renewLease(ctx, id)
	}
	if errors.Is(err, ErrNoLease) {
		return m.newHold(ctx, key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold.id, m.hold.ttl = id, ttl
	return began, err
}

func (m *Member) newHold(ctx context.Context, key string) (began Time, err error) {
	var id LeaseID
	began = m.cfg.Now()
	err = m.request(ctx, func(ctx context.Context) (err error) {
		id, err = m.cfg.Store.Grant(ctx, m.cfg.Timing.Hold)
		return err
	})
	if err != nil {
		return 0, err
	}
	if _, err := m.one(ctx, Txn{Put: []Pair{{Key: key, Value: strconv.FormatInt(int64(id), 10), Lease: id}}}); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold.id, m.hold.ttl = id, m.cfg.Timing.Hold
	return began, nil
}

// mayLease reports whether this machine may lease blocks that it has not had: it is known which all machines
// have.
func (m *Member) mayLease(ctx context.Context) bool {
	m.mu.Lock()
	complete, identity := m.complete, m.identity
	over := m.cfg.Now()-m.since >= m.cfg.Timing.Hold
	m.mu.Unlock()
	if complete || over {
		return true
	}
	all, _, err := m.list(ctx, joinedKey+identity+"/")
	if err != nil {
		return false
	}
	joined := make(map[string]bool)
	for _, p := range all {
		joined[strings.TrimPrefix(p.Key, joinedKey+identity+"/")] = true
	}
	var missing []string
	for _, name := range m.cfg.Machines {
		if !joined[name] {
			missing = append(missing, name)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.complete = len(missing) == 0
	m.problem("", "etcd", len(missing) > 0, fmt.Sprintf("etcd is new, and %s may have blocks that it does not know: no block is leased before it has started, or for %v; if it is off, say so by: pppoe-server cluster-free MACHINE", strings.Join(missing, ", "), m.cfg.Timing.Hold))
	return m.complete
}
