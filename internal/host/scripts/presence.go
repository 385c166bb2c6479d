package scripts

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// presence remembers for a moment which scripts exist, so that events of sessions need no look at the
// disk.
type presence struct {
	mu     sync.Mutex
	looked time.Time
	exists map[string]bool
	some   bool // one of them exists
}

// presencePeriod is how long it is remembered.
const presencePeriod = time.Second

func newPresence() *presence { return &presence{exists: make(map[string]bool)} }

// may reports whether a script may exist: it does, or that is not known.
func (p *presence) may(name string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.looked) > presencePeriod || p.exists[name]
}

// none reports whether no script exists; false: or that is not known.
func (p *presence) none(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.looked) <= presencePeriod && !p.some
}

// refresh looks at the disk if what is remembered is too old.
func (p *presence) refresh(cfg *Config, now time.Time) {
	p.mu.Lock()
	old := now.Sub(p.looked) > presencePeriod
	p.mu.Unlock()
	if old {
		p.look(cfg)
	}
}

// look looks at the disk. A file that cannot be run counts: run logs why.
func (p *presence) look(cfg *Config) {
	exists, some := make(map[string]bool), false
	for _, names := range pairNames {
		for _, name := range []string{names.up, names.down} {
			_, err := os.Stat(cfg.path(name))
			exists[name] = !errors.Is(err, fs.ErrNotExist)
			some = some || exists[name]
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked, p.exists, p.some = time.Now(), exists, some
}
