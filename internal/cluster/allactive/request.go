package allactive

import (
	"context"
	"errors"
	"fmt"

	"upppoe/internal/cluster"
)

// request makes a request to etcd within its timeout, and notes whether it was answered.
func (m *Member) request(ctx context.Context, do func(ctx context.Context) error) error {
	return m.requestOf(ctx, false, do)
}

// requestOf is request. The renewal of a lease is also granted to a client whose other requests etcd refuses, as its
// password is another now: so it does not end their error.
func (m *Member) requestOf(ctx context.Context, renewal bool, do func(ctx context.Context) error) error {
	began := m.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timing.Timeout)
	defer cancel()
	err := do(ctx)
	if err != nil && !errors.Is(err, ErrNoLease) {
		m.failed(ctx, renewal, err)
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if renewal && m.refusing {
		return err
	}
	if m.err != nil && began > m.answered {
		m.cfg.Log.Info("cluster: etcd answers again")
	}
	m.answered, m.err, m.refusing, m.said = max(m.answered, began), nil, false, cluster.Reason{}
	return err
}

// failed notes that etcd has not answered.
func (m *Member) failed(ctx context.Context, renewal bool, err error) {
	m.mu.Lock()
	m.doubt = true
	m.refusing = m.refusing || !renewal
	if m.err == nil {
		m.err = err
	}
	due := m.said.IsDue(m.cfg.Now()) && !m.waiting
	m.mu.Unlock()
	if !due {
		return
	}
	err = m.explain(context.WithoutCancel(ctx), err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil { // otherwise etcd has answered meanwhile
		m.err = err
	}
	if m.said.IsNew(m.cfg.Now(), err.Error()) {
		m.cfg.Log.Warn(fmt.Sprintf("cluster: etcd: %v", err))
	}
}

// explain is Config.Explain.
func (m *Member) explain(ctx context.Context, err error) error {
	if m.cfg.Explain == nil {
		return err
	}
	return m.cfg.Explain(ctx, err)
}

// commit is the batcher's: one write.
func (m *Member) commit(ctx context.Context, all []Txn) (results []Result, err error) {
	err = m.request(ctx, func(ctx context.Context) (err error) {
		results, err = m.cfg.Store.Commit(ctx, all)
		return err
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range results {
		m.revision = max(m.revision, r.Revision)
	}
	return results, err
}

// isConnected reports whether etcd answers, and has what this machine has.
func (m *Member) isConnected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.connected()
}

// connected is isConnected. m.mu is held.
func (m *Member) connected() bool {
	return m.joined && !m.isAway()
}

// answers reports whether etcd has answered the last request.
func (m *Member) answers() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err == nil
}

// isAway reports whether etcd has not answered for Timing.Away. m.mu is held.
func (m *Member) isAway() bool { return m.err != nil && m.cfg.Now()-m.answered >= m.cfg.Timing.Away }
