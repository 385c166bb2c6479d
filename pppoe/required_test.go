package pppoe_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// TestClientNamesWhatIsMissing: what would be a nil pointer in the middle of a dial is told
// before it.
func TestClientNamesWhatIsMissing(t *testing.T) {
	for field, forget := range map[string]func(*pppoe.ClientConfig){
		"Listen":             func(c *pppoe.ClientConfig) { c.Listen = nil },
		"Host":               func(c *pppoe.ClientConfig) { c.Host = nil },
		"Credentials.Secret": func(c *pppoe.ClientConfig) { c.Session.Credentials.Secret = nil },
		"Authority":          func(c *pppoe.ClientConfig) { c.Session.LCP.Demand = []ppp.Method{chap.MD5} },
	} {
		cfg := newLab(t, ethertest.Config{}).client
		forget(&cfg)
		err := pppoe.NewClient(cfg).Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: %v", field, err)
		}
	}
}

// TestServerNamesWhatIsMissing: likewise, before the first client has come.
func TestServerNamesWhatIsMissing(t *testing.T) {
	for field, forget := range map[string]func(*pppoe.ServerConfig){
		"Concentrator.ACName": func(c *pppoe.ServerConfig) { c.Concentrator.ACName = "" },
		"Host":                func(c *pppoe.ServerConfig) { c.Host = nil },
		"Credentials.Secret":  func(c *pppoe.ServerConfig) { c.Session.LCP.Answer = []ppp.Method{chap.MD5} },
		"Authority":           func(c *pppoe.ServerConfig) { c.Authority = nil },
		"Pool.Max":            func(c *pppoe.ServerConfig) { c.Pool.Max = 65535 },
		"Pool.Max is -1":      func(c *pppoe.ServerConfig) { c.Pool.Max = -1 },
		"Pool.Each":           func(c *pppoe.ServerConfig) { c.Pool.Each = -1 },
	} {
		l := newLab(t, ethertest.Config{})
		forget(&l.server)
		_, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: %v", field, err)
		}
	}
	for _, max := range []int{0, 1, 65534} {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.Max, l.server.Pool.Each = max, max
		if _, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}}); err != nil {
			t.Errorf("with %d slots: %v", max, err)
		}
	}
	if _, err := pppoe.NewServer(newLab(t, ethertest.Config{}).server, nil); err == nil {
		t.Error("a server without a Listener was made")
	}
}

// TestAskingNamesWhatIsWrong: Probe and Scan say so, and close the port all the same.
func TestAskingNamesWhatIsWrong(t *testing.T) {
	wrong := pppoe.HostConfig{Service: strings.Repeat("s", pppoe.MaxService+1)}
	for what, ask := range map[string]func(pppoe.Port) error{
		"Probe": func(p pppoe.Port) error {
			_, err := pppoe.Probe(context.Background(), p, wrong, nil)
			return err
		},
		"Scan": func(p pppoe.Port) error {
			return pppoe.Scan(context.Background(), p, pppoe.ScanConfig{Host: wrong}, nil)
		},
	} {
		port := ethertest.New(ethertest.Config{}).Port(clientAddr, pppoe.EtherTypeDiscovery)
		if err := ask(port); err == nil || !strings.Contains(err.Error(), "Service has 1025 octets") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := port.ReadBatch(make([]pppoe.Frame, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: the port is left open: %v", what, err)
		}
	}
}
