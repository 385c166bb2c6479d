package main

import (
	"bytes"
	"context"

	"upppoe/internal/ipv6/server"
	"upppoe/internal/state"
	"upppoe/pppoe"
)

// run serves a session by a function, with what an earlier program has kept of it; nil: nothing.
func (v *ipv6Service) run(session pppoe.SessionKey, restored []byte, serve func(ctx context.Context, restored []byte) error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sessions[session] = &ipv6Session{serve: serve, kept: restored}
	v.runner.Start(session, func(ctx context.Context) error { return serve(ctx, restored) })
}

// keep keeps what a successor needs of a session. It ignores a session that has ended.
func (v *ipv6Service) keep(ctx context.Context, session pppoe.SessionKey, kept []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.sessions[session]; s != nil && ctx.Err() == nil && !bytes.Equal(s.kept, kept) {
		s.kept = kept
		v.state.put(session.Generation, state.IPv6, kept)
	}
}

// suspend leaves all sessions to a successor, which opens the same ports, and waits until that is done. No
// session begins meanwhile.
func (v *ipv6Service) suspend() {
	if v != nil {
		v.runner.StopAll(server.ErrLeft)
	}
}

// resume serves the sessions again that suspend has left.
func (v *ipv6Service) resume() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for session, its := range v.sessions {
		restored := its.kept
		v.runner.Start(session, func(ctx context.Context) error { return its.serve(ctx, restored) })
	}
}
