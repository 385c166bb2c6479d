package scripts

import (
	"slices"
	"sync"
)

// pair is a script for the coming of something and one for its going. They run by
// turns, never both at once, and what has come and gone while one of them ran is
// skipped, as pppd does it: what counts is how things are in the end.
type pair struct {
	scripts    *Runner
	upName     string
	downName   string
	mu         sync.Mutex
	wanted     *call    // nil: down
	is         *call    // what up was last told; nil: down
	after      []string // what down is told beside
	running    bool
	quietSince chan struct{} // closed when nothing runs
}

func newPair(s *Runner, up, down string) *pair {
	p := &pair{scripts: s, upName: up, downName: down, quietSince: make(chan struct{})}
	close(p.quietSince)
	return p
}

func (p *pair) up(c *call) { p.want(c, nil) }

func (p *pair) down(after []string) { p.want(nil, after) }

func (p *pair) want(c *call, after []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = c
	if c == nil {
		p.after = after
	}
	if !p.running && p.wanted != p.is {
		p.running, p.quietSince = true, make(chan struct{})
		// Ends when things are as wanted: scripts end, or are ended by Close.
		go p.work()
	}
}

// wants is the call that it is wanted up with; nil: it is wanted down.
func (p *pair) wants() *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// isUp reports whether it is wanted up.
func (p *pair) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted != nil
}

// idle says that all is down, and nothing runs.
func (p *pair) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.running && p.is == nil
}

// settled is closed when things are as they were wanted last, or nothing runs any more.
func (p *pair) settled() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quietSince
}

func (p *pair) work() {
	for {
		name, c := p.next()
		if c == nil {
			return
		}
		p.scripts.run(p.scripts.ctx, name, c)
	}
}

// next is what must run; nil: nothing.
func (p *pair) next() (string, *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, wanted := p.is, p.wanted
	switch {
	case is == wanted, p.scripts.ctx.Err() != nil:
		p.running = false
		close(p.quietSince)
		return "", nil
	case is != nil:
		down := &call{is.args, append(slices.Clone(is.env), p.after...)}
		p.is, p.after = nil, nil
		return p.downName, down
	}
	p.is = wanted
	return p.upName, wanted
}
