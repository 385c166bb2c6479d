package etcdstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state"
)

// Mirror is a copy in memory of the records in etcd, which Run keeps up to date. All of its methods may be
// called concurrently.
type Mirror struct {
	client *clientv3.Client
	prefix string

	mu       sync.Mutex // guards the following
	records  map[state.Generation]state.Record
	revision int64         // of etcd: all changes up to it are in records; 0: none is
	changed  chan struct{} // closed when revision changes
}

var _ state.Loader = (*Mirror)(nil)

// NewMirror returns an empty Mirror of the keys that begin with the prefix.
func NewMirror(client *clientv3.Client, prefix string) *Mirror {
	return &Mirror{client: client, prefix: prefix, records: make(map[state.Generation]state.Record), changed: make(chan struct{})}
}

// Records implements state.Loader: the records as they are now.
func (m *Mirror) Records() iter.Seq2[state.Generation, state.Record] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.All(maps.Clone(m.records))
}

// Generations returns the sessions that have records.
func (m *Mirror) Generations() (all []state.Generation) {
	for g := range m.Records() {
		all = append(all, g)
	}
	return all
}

// Len returns the number of records.
func (m *Mirror) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records)
}

// Await waits until the Mirror has everything up to a revision of etcd. That must be of a key with the
// Mirror's prefix: Run learns no others.
func (m *Mirror) Await(ctx context.Context, revision int64) error {
	for {
		m.mu.Lock()
		reached, changed := m.revision >= revision, m.changed
		m.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("read the records in etcd: %w", ctx.Err())
		case <-changed:
		}
	}
}

// Run reads the records, and then their changes, until the context ends.
func (m *Mirror) Run(ctx context.Context) {
	for ctx.Err() == nil {
		revision, err := m.load(ctx)
		if err == nil {
			m.follow(ctx, revision+1)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryInterval):
		}
	}
}

// pageSize is how many keys are read at once: a message holds them.
const pageSize = 2000

// load reads all records, as of one revision.
func (m *Mirror) load(ctx context.Context) (revision int64, err error) {
	records := make(map[state.Generation]state.Record)
	from, end := sessionsPrefix(m.prefix), clientv3.GetPrefixRangeEnd(sessionsPrefix(m.prefix))
	for more := true; more; {
		page, err := m.page(ctx, from, end, revision)
		if err != nil {
			return 0, err
		}
		if revision == 0 {
			revision = page.Header.Revision
		}
		for _, kv := range page.Kvs {
			setRecord(records, m.prefix, kv)
			from = string(kv.Key) + "\x00"
		}
		more = page.More
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = records
	m.advance(revision)
	return revision, nil
}

// loadTimeout bounds the wait for one page.
const loadTimeout = 5 * time.Second

func (m *Mirror) page(ctx context.Context, from, end string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	return m.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
}

// follow applies changes from a revision on, until the context ends or etcd has forgotten some: then the
// records must be loaded again. The client resumes by itself after etcd was away.
func (m *Mirror) follow(ctx context.Context, from int64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for changes := range m.client.Watch(ctx, m.prefix, clientv3.WithPrefix(), clientv3.WithRev(from)) {
		if changes.Err() != nil {
			return
		}
		m.apply(changes)
	}
}

func (m *Mirror) apply(changes clientv3.WatchResponse) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.revision
	for _, e := range changes.Events {
		last = e.Kv.ModRevision
		if e.Type == mvccpb.PUT {
			setRecord(m.records, m.prefix, e.Kv)
		} else {
			deleteRecord(m.records, m.prefix, e.Kv)
		}
	}
	m.advance(last)
}

// advance records that all changes up to a revision are applied. The changes of one revision are in one
// response, as the watch is not fragmented.
func (m *Mirror) advance(revision int64) {
	m.revision = revision
	close(m.changed)
	m.changed = make(chan struct{})
}

// setRecord keeps a part in a copy of its record: Records may have returned the one before.
func setRecord(records map[state.Generation]state.Record, prefix string, kv *mvccpb.KeyValue) {
	of, part, ok := parseKey(prefix, string(kv.Key))
	if !ok {
		return
	}
	r := maps.Clone(records[of])
	if r == nil {
		r = make(state.Record)
	}
	r[part] = kv.Value
	records[of] = r
}

func deleteRecord(records map[state.Generation]state.Record, prefix string, kv *mvccpb.KeyValue) {
	of, part, ok := parseKey(prefix, string(kv.Key))
	if !ok || records[of] == nil {
		return
	}
	r := maps.Clone(records[of])
	if delete(r, part); len(r) == 0 {
		delete(records, of)
		return
	}
	records[of] = r
}
