package scripts

import (
	"slices"
	"sync"
)

// upDown is a pair of scripts for something that comes up and goes down. They run in turn, never
// both at once, and changes while one of them runs are skipped, as in pppd: only the final state
// counts.
type upDown struct {
	scripts  *Runner
	upName   string
	downName string
	mu       sync.Mutex
	desired  *call    // nil: down
	current  *call    // the call that up last ran with; nil: down
	downEnv  []string // additional environment of down
	running  bool
	idleCh   chan struct{} // closed when no script runs
}

func newUpDown(s *Runner, up, down string) *upDown {
	p := &upDown{scripts: s, upName: up, downName: down, idleCh: make(chan struct{})}
	close(p.idleCh)
	return p
}

func (p *upDown) up(c *call) { p.setDesired(c, nil) }

// adopt records that an earlier program has run up with a call.
func (p *upDown) adopt(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desired, p.current = c, c
}

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
		// Ends when the desired state is reached: scripts end, or Close ends them.
		go p.runPending()
	}
}

// desiredCall returns the call of the desired state; nil: down.
func (p *upDown) desiredCall() *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desired
}

// isUp reports whether the desired state is up.
func (p *upDown) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desired != nil
}

// idle reports whether the state is down and no script runs.
func (p *upDown) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.running && p.current == nil
}

// settled returns a channel that is closed when the desired state is reached, or no script runs
// any more.
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

// next returns the script to be run next; nil: none.
func (p *upDown) next() (string, *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current, desired := p.current, p.desired
	switch {
	case current == desired, p.scripts.ctx.Err() != nil:
		p.running = false
		close(p.idleCh)
		return "", nil
	case current != nil:
		down := &call{current.args, append(slices.Clone(current.env), p.downEnv...)}
		p.current, p.downEnv = nil, nil
		return p.downName, down
	}
	p.current = desired
	return p.upName, desired
}
