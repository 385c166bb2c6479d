package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/log/terminal"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// progress shows a dial as one line on a terminal. Lines of the log that are no warnings are not shown while
// it dials: the line says the same. Methods of a nil progress do nothing.
type progress struct {
	screen *terminal.Screen
	user   string
	done   chan struct{} // closed by close

	mu      sync.Mutex
	dialing bool
	failed  bool      // the client ends without a session
	began   time.Time // of the dial
	stage   string    // what it is doing, or waits for
	padis   int       // that were sent
	ac      string    // who has answered: name and address
	info    pppoe.SessionInfo
	has     pppoe.Addressing
	online  *online
	fresh   func() *online
}

// newProgress returns the progress of a client whose user sees a terminal; nil: there is none, or it shows
// something else.
func newProgress(s *pppd.Settings) *progress {
	if s.Debug || s.LogFile != "" || s.Detach == pppd.DetachNow || s.JSON && terminal.Is(os.Stdout) || !terminal.CanMove(os.Stderr) {
		return nil
	}
	p := &progress{screen: terminal.NewScreen(os.Stderr), user: ownName(s), done: make(chan struct{})}
	p.fresh = func() *online {
		o := newOnline(s, p.showOnline)
		o.wanted = true
		return o
	}
	p.begin(attachment(s).String(), "opening the interface")
	// Ends with close.
	go p.tick()
	return p
}

// begin begins a dial.
func (p *progress) begin(iface, stage string) {
	p.dialing, p.began, p.padis, p.ac = true, time.Now(), 0, ""
	p.info, p.has, p.online = pppoe.SessionInfo{Interface: iface}, pppoe.Addressing{}, p.fresh()
	p.stage = stage
}

// tick shows how long the dial has taken.
func (p *progress) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	p.show()
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
			p.show()
		}
	}
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.showLocked()
}

func (p *progress) showLocked() {
	if p.dialing {
		p.screen.SetProgress(fmt.Sprintf("%s: %s (%d s)", p.info.Interface, p.stage, int(time.Since(p.began).Seconds())))
	}
}

// log shows a line of the log, if it is not part of a dial.
func (p *progress) log(level slog.Level, line []byte) {
	p.mu.Lock()
	shown := !p.dialing && !p.failed || level >= slog.LevelWarn
	p.mu.Unlock()
	if shown {
		p.screen.Log(time.Now(), line)
	}
}

// notify handles the client's events, one at a time.
func (p *progress) notify(l pppoe.SessionInfo, event pppoe.Event) {
	if p == nil {
		return
	}
	p.mu.Lock()
	is := p.online
	p.update(l, event)
	p.showLocked()
	p.mu.Unlock()
	is.handle(event) // it may call showOnline
}

// update updates what is shown.
func (p *progress) update(l pppoe.SessionInfo, event pppoe.Event) {
	if p.dialing && l.SessionID != 0 {
		p.info = l
	}
	switch e := event.(type) {
	case pppoe.DiscoverySent:
		p.sent(l, e.Packet)
	case pppoe.DiscoveryReceived:
		if name, ok := e.Packet.Tags.Find(wire.TagACName); ok && e.Packet.Code == wire.PADO {
			p.ac = fmt.Sprintf("%s (%v)", wire.EscapeName(string(name)), e.Packet.Src)
		}
	case pppoe.SessionEstablished:
		p.stage = fmt.Sprintf("session %d at %s: negotiating the link (LCP)", e.SessionID, p.concentrator(l))
	case session.LinkUp:
		p.stage = "the link is up: authentication"
		if p.user != "" {
			p.stage += " as " + wire.EscapeName(p.user)
		}
	case session.NetworkPhase:
		p.stage = "requesting addresses (IPCP, IPv6CP)"
	case pppoe.Configured:
		p.has, p.stage = e.Addressing, "waiting for the other address family"
	case pppoe.Adopted:
		p.has, p.stage = e.Addressing, "continuing the session of a client that was killed"
	case pppoe.AwaitingInterface:
		p.begin(l.Interface, "waiting for the interface")
	case pppoe.AwaitingTraffic:
		p.stage = "waiting for traffic"
	case pppoe.Ended:
		p.ended(e)
	case pppoe.AwaitingRedial:
		p.begin(l.Interface, fmt.Sprintf("next dial in %v", e.Delay.Round(time.Second)))
	}
}

// sent shows a discovery packet that was sent.
func (p *progress) sent(l pppoe.SessionInfo, packet wire.DiscoveryFrame) {
	switch packet.Code {
	case wire.PADI:
		if !p.dialing || p.padis == 0 {
			p.begin(l.Interface, "")
		}
		p.padis++
		p.stage = fmt.Sprintf("looking for a concentrator, PADI sent %s", times(p.padis))
		if p.ac != "" {
			p.stage += "; " + p.ac + " has answered"
		}
	case wire.PADR:
		p.stage = fmt.Sprintf("%s answered: requesting a session", p.concentrator(pppoe.SessionInfo{Peer: packet.Dst}))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// concentrator returns the name and address of the concentrator.
func (p *progress) concentrator(l pppoe.SessionInfo) string {
	switch {
	case l.ACName != "":
		return fmt.Sprintf("%s (%v)", wire.EscapeName(l.ACName), l.Peer)
	case p.ac != "":
		return p.ac
	}
	return l.Peer.String()
}

// ended shows the end of a session that was not online yet. The log says the end of others.
func (p *progress) ended(e pppoe.Ended) {
	if p.dialing {
		p.stage = "the session has ended"
		if e.Reason.Text != "" {
			p.stage += ": " + wire.EscapeText(e.Reason.Text)
		}
	}
	p.online = p.fresh()
}

// showOnline makes the progress the final line.
func (p *progress) showOnline() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialing && (p.has.HasIPv4() || p.has.HasIPv6()) {
		p.dialing = false
		p.screen.Finish(onlineText(p.info, p.has, p.concentrator(p.info), time.Since(p.began)))
	}
}

// onlineText describes a session that is online.
func onlineText(l pppoe.SessionInfo, has pppoe.Addressing, ac string, after time.Duration) string {
	text := fmt.Sprintf("%s is online after %.1f s: ", l.Device, after.Seconds())
	if has.HasIPv4() {
		text += fmt.Sprintf("address %v, peer %v, ", has.IPv4.Local, has.IPv4.Remote)
		for _, dns := range has.IPv4.DNS {
			if dns.IsValid() && !dns.IsUnspecified() {
				text += fmt.Sprintf("DNS %v, ", dns)
			}
		}
	}
	if has.HasIPv6() {
		text += fmt.Sprintf("IPv6 %v, ", has.IPv6.Local.LinkLocal())
	}
	return text + fmt.Sprintf("MTU %d, session %d at %s on %s", has.MTU, l.SessionID, ac, l.Interface)
}

// fail makes the progress the final line of a dial that has failed.
func (p *progress) fail() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialing {
		p.dialing, p.failed = false, true
		p.screen.Finish(fmt.Sprintf("%s: not online after %.1f s: %s", p.info.Interface, time.Since(p.began).Seconds(), p.stage))
	}
}

// searching shows that VLANs are searched, until searched is called.
func (p *progress) searching() {
	p.screen.SetProgress("searching VLANs 1-4094 for a concentrator, some seconds")
}
func (p *progress) searched() { p.screen.SetProgress("") }

// close ends the progress: the terminal is not used any more.
func (p *progress) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	select {
	case <-p.done:
	default:
		close(p.done)
		p.dialing = false
		p.screen.SetProgress("")
	}
	p.mu.Unlock()
	p.screen.Flush(flushTimeout)
}
