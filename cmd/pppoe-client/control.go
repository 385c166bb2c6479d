package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/sessionstore"
	"upppoe/internal/mgmt/status"
)

// claimPeer prevents other clients from calling the same peer, until the function that it returns is
// called.
func (p *program) claimPeer() (unclaim func(), err error) {
	s := p.settings
	if s.Call == "" || s.Force {
		return func() {}, nil
	}
	c, by, err := sessionstore.LockName(sockets, "call-"+s.Call)
	switch {
	case errors.Is(err, sessionstore.ErrNameInUse):
		return nil, fmt.Errorf("peer %s is already called by process %d: end that with pppoe-client stop %s, or dial in addition with --force", s.Call, by, s.Call)
	case err != nil:
		p.log.Debug(fmt.Sprintf("another client could call the same peer: %v", err))
		return func() {}, nil
	}
	return func() { c.Close() }, nil
}

// listen opens the control socket, until the function that it returns is called. That must be the last
// step: the caller of stop waits for it.
func (p *program) listen(ring *control.LogRing) (closed func()) {
	var err error
	if p.control, err = control.ListenClient(sockets, p, ring); err != nil {
		p.log.Debug(fmt.Sprintf("pppoe-client status and stop will not find this client: %v", err))
		return func() {}
	}
	return func() { p.control.Close() }
}

func (p *program) publish(e *status.Event) {
	if e == nil {
		return
	}
	text := append(object(e), '\n')
	p.recent.add(text)
	if p.control != nil {
		p.control.Publish(text)
	}
	if p.out != nil {
		p.out.write(text)
	}
}

// Status returns the client's status in JSON.
func (p *program) Status() []byte {
	s := p.tracker.Status()
	if client := p.client.Load(); client != nil {
		if c, open := client.Counters(); open {
			s.Traffic = status.TrafficOf(c)
		}
		if e, open := client.Echoes(); open {
			s.SetEchoes(e)
		}
	}
	return object(s)
}

// DroppedEvents returns the event that replaces n dropped ones, in JSON.
func (p *program) DroppedEvents(n int) []byte { return object(status.Missed(n)) }

// object encodes a value of package status, which cannot fail.
func object(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("no JSON: " + err.Error())
	}
	return text
}

// Stop ends the client with SIGTERM, as pppd's users do, so that the log has pppd's message.
func (p *program) Stop() { unix.Kill(os.Getpid(), unix.SIGTERM) }

// HangUp ends the session with SIGHUP, for the same reason.
func (p *program) HangUp() { unix.Kill(os.Getpid(), unix.SIGHUP) }
