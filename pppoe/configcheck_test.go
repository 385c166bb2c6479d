package pppoe_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// tooLong is a Service-Name that exceeds the limit.
var tooLong = strings.Repeat("s", discovery.MaxService+1)

// TestClientConfigErrors: NewClient names the field that is wrong.
func TestClientConfigErrors(t *testing.T) {
	for field, spoil := range map[string]func(*pppoe.ClientConfig){
		"OpenPorts":            func(c *pppoe.ClientConfig) { c.OpenPorts = nil },
		"Network":              func(c *pppoe.ClientConfig) { c.Network = nil },
		"Discovery.Service":    func(c *pppoe.ClientConfig) { c.Discovery.Service = tooLong },
		"HostUniq (1500)":      func(c *pppoe.ClientConfig) { c.Discovery.HostUniq = make([]byte, 1500) },
		"HostUniq (65536)":     func(c *pppoe.ClientConfig) { c.Discovery.HostUniq = make([]byte, 65536) },
		"Credentials.Secret":   func(c *pppoe.ClientConfig) { c.Session.Credentials.Secret = nil },
		"Authenticator is not": func(c *pppoe.ClientConfig) { c.Session.LCP.RequireAuth = []ppp.Method{chap.MD5} },
	} {
		cfg := newLab(t, ethertest.Config{}).client
		spoil(&cfg)
		if _, err := pppoe.NewClient(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestServerConfigErrors: NewServer names the field that is wrong.
func TestServerConfigErrors(t *testing.T) {
	for field, forget := range map[string]func(*pppoe.ServerConfig){
		"Concentrator.ACName":  func(c *pppoe.ServerConfig) { c.Concentrator.ACName = "" },
		"CookieKey":            func(c *pppoe.ServerConfig) { c.Concentrator.CookieKey = make([]byte, 31) },
		"Network":              func(c *pppoe.ServerConfig) { c.Network = nil },
		"Credentials.Secret":   func(c *pppoe.ServerConfig) { c.Session.LCP.AllowAuth = []ppp.Method{chap.MD5} },
		"Authenticator is not": func(c *pppoe.ServerConfig) { c.Authenticator = nil },
		"Pool.Max":             func(c *pppoe.ServerConfig) { c.Pool.Max = pppoe.MaxSlots + 1 },
		"Pool.Max is -1":       func(c *pppoe.ServerConfig) { c.Pool.Max = -1 },
		"Pool.MaxPerClient":    func(c *pppoe.ServerConfig) { c.Pool.MaxPerClient = -1 },
	} {
		l := newLab(t, ethertest.Config{})
		forget(&l.server)
		_, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: %v", field, err)
		}
	}
	for _, max := range []int{0, 1, 100_000} {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.Max, l.server.Pool.MaxPerClient = max, max
		if _, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}}); err != nil {
			t.Errorf("with %d slots: %v", max, err)
		}
	}
	if _, err := pppoe.NewServer(newLab(t, ethertest.Config{}).server, nil); err == nil {
		t.Error("NewServer accepts no Listener")
	}
}

// TestProbeScanConfigErrors: Probe and Scan name the field that is wrong, and close the port.
func TestProbeScanConfigErrors(t *testing.T) {
	probe := func(cfg discovery.ClientConfig, found func(discovery.Offer, time.Duration)) func(datapath.Port) error {
		return func(p datapath.Port) error {
			_, err := pppoe.Probe(context.Background(), p, cfg, found)
			return err
		}
	}
	scan := func(cfg pppoe.ScanConfig, found func(pppoe.ScanResult)) func(datapath.Port) error {
		return func(p datapath.Port) error { return pppoe.Scan(context.Background(), p, cfg, found) }
	}
	offered, seen := func(discovery.Offer, time.Duration) {}, func(pppoe.ScanResult) {}
	// With an empty Service-Name, a frame has room for a Host-Uniq of 1486 octets; a Scan
	// needs 4 of them.
	almost := discovery.ClientConfig{HostUniq: make([]byte, 1500-6-4-4-3)}
	for what, ask := range map[string]func(datapath.Port) error{
		"ClientConfig.Service has 1025 octets":         probe(discovery.ClientConfig{Service: tooLong}, offered),
		"ClientConfig makes a PADI of 1501":            probe(discovery.ClientConfig{HostUniq: make([]byte, 1500-6-4-4+1)}, offered),
		"Probe needs a function":                       probe(discovery.ClientConfig{}, nil),
		"ScanConfig.Client.Service has 1025 octets":    scan(pppoe.ScanConfig{Client: discovery.ClientConfig{Service: tooLong}}, seen),
		"ScanConfig.Client makes a PADI of 1501":       scan(pppoe.ScanConfig{Client: almost}, seen),
		"ScanConfig.Priority is 8":                     scan(pppoe.ScanConfig{Priority: 8}, seen),
		"Scan needs a function to call with each answ": scan(pppoe.ScanConfig{}, nil),
	} {
		port := ethertest.New(ethertest.Config{}).Port(clientAddr, wire.EtherTypeDiscovery)
		if err := ask(port); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := port.ReadBatch(make([]datapath.Frame, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: the port is left open: %v", what, err)
		}
	}
}
