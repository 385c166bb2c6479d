package life

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/test/lab"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

// startAuthenticatingAC starts a concentrator that authenticates itself, which our server does not
// do.
func startAuthenticatingAC(t testing.TB, in *lab.Namespace, name, password string) {
	t.Helper()
	var ports pppoe.Ports
	check(t, in.Do(func() (err error) {
		ports, err = afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0"})
		return err
	}))
	cfg := pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: name},
		Pool:         pppoe.Pool{Max: 4, First: ip("192.0.2.10")},
		Network:      noNetwork{},
	}
	cfg.Session.IPv4 = &ipcp.Config{Local: ip("192.0.2.1")}
	cfg.Session.LCP.AllowAuth = []ppp.Method{chap.MD5}
	cfg.Session.Credentials = ppp.Credentials{Name: name, Secret: func(string) ([]byte, bool) { return []byte(password), true }}
	server, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { server.Run(ctx) })
	t.Cleanup(func() { stop(); ended.Wait() })
}

// noNetwork configures nothing, and its devices discard packets.
type noNetwork struct{}

func (noNetwork) Open(pppoe.SessionInfo) (tun.Device, error)                            { return tuntest.New("nowhere"), nil }
func (noNetwork) Configure(pppoe.SessionInfo, pppoe.Addressing, pppoe.Addressing) error { return nil }
func (noNetwork) Close(pppoe.SessionInfo, pppoe.Addressing)                             {}

// TestAuthScripts: auth-up and auth-down are run for a peer that has authenticated itself.
func TestAuthScripts(t *testing.T) {
	w := newTestbed(t)
	startAuthenticatingAC(t, w.server, "isp-ac", "its-secret")
	w.write(t, "etc/chap-secrets", "isp-ac "+user+" its-secret 192.0.2.1\n", 0o600)
	w.recordCalls(t, "", scriptNames...)
	p := w.start(t, "pppd", "eth0", "user", user, "require-chap", "debug", "nodetach", "ipparam", "x")
	w.awaitOnline(t)
	w.awaitCalls(t, "auth-up")
	p.Stop()
	got := w.awaitCalls(t, "auth-down")
	for _, name := range []string{"auth-up", "auth-down"} {
		if args := strings.Join(got[name].args, " "); args != "ppp0 isp-ac "+user+" eth0 0 x" {
			t.Errorf("%s has arguments %q", name, args)
		}
		if peer := got[name].env["PEERNAME"]; peer != "isp-ac" {
			t.Errorf("%s has PEERNAME=%q", name, peer)
		}
	}
	if peer := got["ip-up"].env["PEERNAME"]; peer != "isp-ac" {
		t.Errorf("ip-up has PEERNAME=%q", peer)
	}
}

// TestPeerWithWrongPassword is rejected: exit code 11.
func TestPeerWithWrongPassword(t *testing.T) {
	w := newTestbed(t)
	startAuthenticatingAC(t, w.server, "isp-ac", "its-secret")
	w.write(t, "etc/chap-secrets", "isp-ac "+user+" another-secret *\n", 0o600)
	w.recordCalls(t, "", scriptNames...)
	r := w.run(t, "pppd", "eth0", "user", user, "require-chap", "nodetach", "json")
	told := events(t, r.stdout)
	if last := told[len(told)-1]; r.code != 11 || last.End == nil || last.End.Reason != "peer-not-authenticated" {
		t.Errorf("exit code %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, name := range []string{"auth-up", "auth-down", "ip-pre-up", "ip-up"} {
		if _, ok := w.calls(t)[name]; ok {
			t.Errorf("%s was called", name)
		}
	}
	w.leftNothing(t)
}

// TestPeerSecretsUnreadable: a client does not authenticate its peer by files that it cannot read
// after dropping root's capabilities, and its log says what to do.
func TestPeerSecretsUnreadable(t *testing.T) {
	w := newTestbed(t)
	startAuthenticatingAC(t, w.server, "isp-ac", "its-secret")
	w.write(t, "etc/chap-secrets", "isp-ac "+user+" its-secret *\n", 0o600)
	check(t, os.Chown(filepath.Join(w.dir, "etc/chap-secrets"), 65534, 65534))
	r := w.run(t, "pppd", "eth0", "user", user, "require-chap", "nodetach")
	if r.code != 11 || !strings.HasPrefix(r.stderr, "open /etc/ppp/chap-secrets: permission denied: make the server's user") {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
	w.leftNothing(t)
}
