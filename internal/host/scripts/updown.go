package scripts

import (
	"slices"
	"sync"
)

// upDown is a script for the coming of something and one for its going. They run by
// turns, never both at once, and what has come and gone while one of them ran is
// skipped, as pppd does it: what counts is how things are in the end.
type upDown struct {
	scripts  *Runner
	upName   string
	downName string
	mu       sync.Mutex
	desired  *call    // nil: down
	current  *call    // what up was last told; nil: down
	downEnv  []string // what down is told beside
	running  bool
	idleCh   chan struct{} // closed when nothing runs
}

func newUpDown(s *Runner, up, down string) *upDown {
	p := &upDown{scripts: s, upName: up, downName: down, idleCh: make(chan struct{})}
	close(p.idleCh)
	return p
}

func (p *upDown) up(c *call) { p.setDesired(c, nil) }

func (p *upDown) down(after []string) { p.setDesired(nil, after) }

func (p *upDown) setDesired(c *call, after []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desired = c
	if c == nil {
		p.downEnv = after
	}
	if !p.running && p.desired != p.current {
		p.running, p.idleCh = true, make(chan struct{})
		// Ends when things are as wanted: scripts end, or are ended by Close.
		go p.runPending()
	}
}

// desiredCall is the call that it is wanted up with; nil: it is wanted down.
func (p *upDown) desiredCall() *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desired
}

// isUp reports whether it is wanted up.
func (p *upDown) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desired != nil
}

// idle says that all is down, and nothing runs.
func (p *upDown) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.running && p.current == nil
}

// settled is closed when things are as they were wanted last, or nothing runs any more.
func (p *upDown) settled() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idleCh
}

func (p *upDown) runPending() {
	for {
		name, c := p.next()
		if c == nil {
			return
		}
		p.scripts.run(p.scripts.ctx, name, c)
	}
}

// next is what must run; nil: nothing.
func (p *upDown) next() (string, *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, wanted := p.current, p.desired
	switch {
	case is == wanted, p.scripts.ctx.Err() != nil:
		p.running = false
		close(p.idleCh)
		return "", nil
	case is != nil:
		down := &call{is.args, append(slices.Clone(is.env), p.downEnv...)}
		p.current, p.downEnv = nil, nil
		return p.downName, down
	}
	p.current = wanted
	return p.upName, wanted
}
