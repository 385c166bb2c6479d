package scripts

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// poolLab is a pool whose scripts are recorded, and end when they are released.
type poolLab struct {
	*Pool
	log     bytes.Buffer
	release chan struct{}
	mu      sync.Mutex
	ran     []string
}

// newPoolLab returns a pool for which scripts of some names exist.
func newPoolLab(t *testing.T, workers, queue int, names ...string) *poolLab {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l := &poolLab{release: make(chan struct{})}
	l.Pool = NewPool(PoolConfig{
		Config: Config{Dir: dir, Unit: -1, Log: slog.New(slog.NewTextHandler(&l.log, nil))}, SharedDevice: "pppoe0", Workers: workers, Queue: queue,
	})
	l.run = func(_ context.Context, c *caller, name string, with *call) {
		l.mu.Lock()
		l.ran = append(l.ran, fmt.Sprintf("%s %s", name, value(with.env, "UNIT")))
		l.mu.Unlock()
		<-l.release
	}
	return l
}

func value(env []string, name string) string {
	for _, word := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(word, name+"="); ok {
			return v
		}
	}
	return ""
}

func session1(unit int) pppoe.SessionInfo {
	l := info
	l.Device, l.Unit, l.Generation, l.User = "", unit, uint64(unit), "alice"
	return l
}

// up begins a session, and waits until its script runs or waits.
func (l *poolLab) up(unit int) {
	l.Notify(session1(unit), withIPv4("192.0.2.10"))
	synctest.Wait()
}

func (l *poolLab) down(unit int) { l.Notify(session1(unit), pppoe.NetworkLost{Protocol: ppp.IPCP}) }

func (l *poolLab) wantRan(t *testing.T, what string, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.ran)
	slices.Sort(want)
	if !slices.Equal(l.ran, want) {
		t.Errorf("%s: ran %q, want %q", what, l.ran, want)
	}
	if s := l.Stats(); len(l.sessions) != s.Sessions || l.queue.Len() != s.Queued {
		t.Errorf("%s: %+v", what, s)
	}
}

// TestPool: of sessions that begin and end while scripts are slow, those run that are of what still is
// or was begun.
func TestPool(t *testing.T) {
	for _, c := range []struct {
		name     string
		scripts  []string
		do       func(l *poolLab)
		ran      []string // while all scripts run
		finally  []string
		sessions int // that are remembered at last
	}{
		{"as many at a time as workers", []string{IPUp, IPDown}, func(l *poolLab) { l.up(1); l.up(2); l.up(3) },
			[]string{"ip-up 1", "ip-up 2"}, []string{"ip-up 1", "ip-up 2", "ip-up 3"}, 3},
		{"ended before its script has begun", []string{IPUp, IPDown}, func(l *poolLab) { l.up(1); l.up(2); l.up(3); l.down(3) },
			[]string{"ip-up 1", "ip-up 2"}, []string{"ip-up 1", "ip-up 2"}, 2},
		{"ended while its script runs", []string{IPUp, IPDown}, func(l *poolLab) { l.up(1); l.down(1) },
			[]string{"ip-up 1"}, []string{"ip-down 1", "ip-up 1"}, 0},
		{"up again while its script runs", []string{IPUp, IPDown}, func(l *poolLab) { l.up(1); l.down(1); l.up(1) },
			[]string{"ip-up 1"}, []string{"ip-down 1", "ip-up 1", "ip-up 1"}, 1},
		{"no scripts", nil, func(l *poolLab) { l.up(1); l.down(1); l.up(2) }, nil, nil, 0},
		{"only ip-up", []string{IPUp}, func(l *poolLab) { l.up(1); l.up(2); l.down(2) },
			[]string{"ip-up 1", "ip-up 2"}, []string{"ip-up 1", "ip-up 2"}, 1},
		{"only ip-down", []string{IPDown}, func(l *poolLab) { l.up(1); l.up(2); l.down(2) }, []string{"ip-down 2"}, []string{"ip-down 2"}, 1},
		{"only auth-down", []string{AuthDown}, func(l *poolLab) {
			l.Notify(session1(1), session.Authenticated{Peer: true, Name: "alice"})
			l.up(1)
			l.Notify(session1(1), session.Authenticated{Peer: true, Name: "alice", Repeated: true})
			l.Notify(session1(2), session.Authenticated{})
			l.Notify(session1(1), pppoe.Ended{})
			l.Notify(session1(2), pppoe.Ended{})
		}, []string{"auth-down 1"}, []string{"auth-down 1"}, 0},
		{"adopted", []string{AuthUp, AuthDown, IPUp, IPDown, IPv6Up}, func(l *poolLab) {
			l.Notify(session1(1), pppoe.Adopted{Addressing: addressing})
			l.Notify(session1(2), pppoe.Adopted{Addressing: addressing})
			l.Notify(session1(2), pppoe.NetworkLost{Protocol: ppp.IPv6CP})
			l.down(2)
			synctest.Wait()
			l.Notify(session1(2), pppoe.Ended{})
		}, []string{"auth-down 2", "ip-down 2"}, []string{"auth-down 2", "ip-down 2"}, 1},
		{"both families", []string{IPUp, IPv6Up, IPv6Down}, func(l *poolLab) {
			l.Notify(session1(1), pppoe.Configured{Addressing: addressing})
			synctest.Wait()
			l.Notify(session1(1), pppoe.NetworkLost{Protocol: ppp.IPv6CP})
			l.down(1)
		}, []string{"ip-up 1", "ipv6-up 1"}, []string{"ip-up 1", "ipv6-down 1", "ipv6-up 1"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newPoolLab(t, 2, 0, c.scripts...)
			c.do(l)
			synctest.Wait()
			l.wantRan(t, c.name+", at first", c.ran...)
			close(l.release)
			synctest.Wait()
			l.wantRan(t, c.name, c.finally...)
			if s := l.Stats(); s.Sessions > c.sessions || s.Queued+s.Running > 0 || s.Dropped > 0 {
				t.Errorf("%s: at last %+v, want at most %d sessions", c.name, s, c.sessions)
			}
			l.Close()
		})
	}
}

// TestPoolQueueIsBounded: what does not fit is counted, and logged at most every ten seconds; a session
// whose script for its begin was not run has none for its end.
func TestPoolQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPoolLab(t, 1, 3, IPUp, IPDown)
		l.up(0)
		synctest.Wait()
		for unit := 1; unit <= 10; unit++ {
			l.up(unit)
		}
		if s := l.Stats(); s != (PoolStats{Sessions: 4, Queued: 3, Running: 1, Dropped: 7}) {
			t.Errorf("%+v", s)
		}
		l.down(1) // makes room
		l.down(10)
		l.up(11)
		if s := l.Stats(); s != (PoolStats{Sessions: 4, Queued: 3, Running: 1, Dropped: 7}) {
			t.Errorf("with room: %+v", s)
		}
		time.Sleep(dropReportPeriod)
		l.up(12)
		close(l.release)
		l.Close()
		l.wantRan(t, "bounded", "ip-up 0", "ip-up 2", "ip-up 3", "ip-up 11")
		if text := l.log.String(); strings.Count(text, "not run") != 2 || !strings.Contains(text, "1 scripts of sessions were not run, as 3 wait") || !strings.Contains(text, "7 scripts") {
			t.Errorf("logged %s", text)
		}
	})
}

// TestPoolClose: Close waits for scripts up to the limit, and logs how many were not run.
func TestPoolClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPoolLab(t, 1, 0, IPUp)
		l.cfg.Timeout = 5 * time.Second
		l.run = func(ctx context.Context, _ *caller, _ string, _ *call) { <-ctx.Done() }
		for unit := range 3 {
			l.up(unit)
		}
		before := time.Now()
		l.Close()
		if took := time.Since(before); took != 5*time.Second || l.Stats().Dropped != 2 || !strings.Contains(l.log.String(), "2 scripts of sessions were not run") {
			t.Errorf("after %v: %+v, logged %s", took, l.Stats(), &l.log)
		}
		l.up(4)
		if l.Stats().Running > 0 {
			t.Error("a script runs after Close")
		}
	})
}

// TestPoolFindsNewScripts: a script that is added later is run.
func TestPoolFindsNewScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPoolLab(t, 1, 0)
		close(l.release)
		l.up(1)
		time.Sleep(2 * presencePeriod)
		if err := os.WriteFile(filepath.Join(l.cfg.Dir, IPUp), nil, 0o755); err != nil {
			t.Fatal(err)
		}
		l.up(2)
		synctest.Wait()
		l.up(3)
		synctest.Wait()
		l.wantRan(t, "a new script", "ip-up 2", "ip-up 3")
		l.Close()
	})
}

// TestPoolEnvironment: scripts get pppd's arguments and environment, with the shared device and the
// session's number.
func TestPoolEnvironment(t *testing.T) {
	d := newTestDir(t)
	d.addRecording(t, AuthUp, IPUp, IPDown, IPv6Up, AuthDown)
	param := "param"
	p := NewPool(PoolConfig{
		Config:       Config{Dir: d.dir, IPParam: &param, User: "server", Env: []string{"COLOUR=blue", "SPEED"}, Log: slog.New(slog.NewTextHandler(&d.log, nil))},
		SharedDevice: "pppoe0",
	})
	alice, bob := session1(7), session1(7)
	bob.User = "bob"
	p.Notify(alice, session.Authenticated{Peer: true, Name: "alice"})
	before := addressing
	before.IPv4.Local = before.IPv4.Remote.Next()
	p.Notify(alice, pppoe.Configured{Addressing: addressing, Previous: pppoe.Addressing{IPv4: before.IPv4}})
	waitPool(p)
	p.Notify(alice, lost4)
	p.Notify(bob, pppoe.Ended{Uptime: time.Minute, Counters: datapath.Counters{SentBytes: 5}})
	p.Close()
	env := append(slices.DeleteFunc(common(), func(word string) bool {
		return strings.HasPrefix(word, "IFNAME=") || strings.HasPrefix(word, "UNIT=") || strings.HasPrefix(word, "SPEED=")
	}), "IFNAME=pppoe0", "UNIT=7", "COLOUR=blue", "PEERNAME=alice")
	ip := []string{"IPLOCAL=192.0.2.10", "IPREMOTE=192.0.2.1", "DNS1=192.0.2.53", "WINS2=192.0.2.54", "USEPEERDNS=1", "USEPEERWINS=1"}
	ipv6 := []string{"LLLOCAL=fe80::1", "LLREMOTE=fe80::2"}
	for _, c := range []struct {
		script, args string
		more         []string
	}{
		{AuthUp, "<pppoe0><alice><server><eth0><0><param>", nil},
		{IPUp, "<pppoe0><eth0><0><192.0.2.10><192.0.2.1><param>", slices.Concat(ip, ipv6, []string{"OLDIPLOCAL=192.0.2.2", "OLDIPREMOTE=192.0.2.1"})},
		{IPv6Up, "<pppoe0><eth0><0><fe80::1><fe80::2><param>", slices.Concat(ip, ipv6)},
		{IPDown, "<pppoe0><eth0><0><192.0.2.10><192.0.2.1><param>",
			slices.Concat(ip, ipv6, []string{"OLDIPLOCAL=192.0.2.2", "OLDIPREMOTE=192.0.2.1", "CONNECT_TIME=61", "BYTES_SENT=1000", "BYTES_RCVD=2000"})},
		{AuthDown, "<pppoe0><alice><server><eth0><0><param>", slices.Concat(ip, ipv6, []string{"CONNECT_TIME=60", "BYTES_SENT=5", "BYTES_RCVD=0"})},
	} {
		want := slices.Sorted(slices.Values(slices.Concat(env, c.more)))
		got := slices.DeleteFunc(d.env(t, c.script), func(word string) bool {
			// dash sets PWD; auth-up may run before or after IPCP has opened.
			name := nameOf(word)
			return name == "PWD" || c.script == AuthUp && (strings.HasPrefix(name, "IP") || strings.HasPrefix(name, "LL") || strings.Contains(name, "DNS") || strings.Contains(name, "WINS"))
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s: environment\n%q, want\n%q", c.script, got, want)
		}
		if args := d.read(t, c.script+".args"); args != c.args {
			t.Errorf("%s: arguments %s, want %s", c.script, args, c.args)
		}
	}
}

// waitPool waits until no script runs or waits.
func waitPool(p *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.running > 0 {
		p.idle.Wait()
	}
}

// TestSlowScriptDelaysNobody: while the script of one session does not end, those of others run, and
// Notify returns.
func TestSlowScriptDelaysNobody(t *testing.T) {
	d := newTestDir(t)
	d.add(t, IPUp, `[ $UNIT = 1 ] && exec sleep 3600
echo "$UNIT $IFNAME $5" >>%[1]s/said`)
	p := NewPool(PoolConfig{Config: Config{Dir: d.dir, Log: slog.New(slog.DiscardHandler)}, SharedDevice: "pppoe0", Workers: 2})
	var want []string
	for unit := 1; unit <= 9; unit++ {
		e := withIPv4("192.0.2.254")
		e.IPv4.Remote = addressing.IPv4.Remote
		p.Notify(session1(unit), e)
		if unit > 1 {
			want = append(want, fmt.Sprintf("%d pppoe0 192.0.2.1", unit))
		}
	}
	for p.Stats().Queued > 0 || p.Stats().Running > 1 {
		time.Sleep(time.Millisecond)
	}
	p.kill()
	p.Close()
	if said := d.said(t); said != strings.Join(want, ", ") {
		t.Errorf("ran %q, want %q", said, want)
	}
}

// BenchmarkPoolWithoutScripts is a session's events where no script exists.
func BenchmarkPoolWithoutScripts(b *testing.B) {
	p := NewPool(PoolConfig{Config: Config{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)}, SharedDevice: "pppoe0"})
	defer p.Close()
	l, e := session1(1), pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: addressing.IPv4.Local}}}
	b.ReportAllocs()
	for b.Loop() {
		p.Notify(l, e)
		p.Notify(l, lost4)
	}
}
