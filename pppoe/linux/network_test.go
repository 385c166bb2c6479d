package linux

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// TestNetworkConfigIsComplete: every field of NetworkConfig is passed on to the Configurer, and
// changes one field there.
func TestNetworkConfigIsComplete(t *testing.T) {
	metric := 7
	values := map[reflect.Kind]any{
		reflect.String: "x", reflect.Int: 3, reflect.Bool: true, reflect.Pointer: &metric,
		reflect.Func: func(pppoe.SessionInfo, pppoe.Addressing) {},
	}
	exported := func(c NetworkConfig) (fields []any) {
		n := reflect.ValueOf(c.configurer()).Elem()
		for i := range n.NumField() {
			if n.Type().Field(i).IsExported() {
				fields = append(fields, n.Field(i).Interface())
			}
		}
		return fields
	}
	different := func(a, b []any) (n int) {
		for i := range a {
			v, w := reflect.ValueOf(a[i]), reflect.ValueOf(b[i])
			if v.Kind() == reflect.Func && v.IsNil() != w.IsNil() || v.Kind() != reflect.Func && !reflect.DeepEqual(a[i], b[i]) {
				n++
			}
		}
		return n
	}
	zero := exported(NetworkConfig{})
	for i := range reflect.TypeFor[NetworkConfig]().NumField() {
		field := reflect.TypeFor[NetworkConfig]().Field(i)
		if field.Name == "Log" {
			continue // a nil logger is replaced by one that discards
		}
		var c NetworkConfig
		value := reflect.ValueOf(values[field.Type.Kind()])
		reflect.ValueOf(&c).Elem().Field(i).Set(value.Convert(field.Type))
		if n := different(zero, exported(c)); n != 1 {
			t.Errorf("NetworkConfig.%s changes %d fields of the Configurer, want 1", field.Name, n)
		}
	}
}

// TestNetworkConfigIsChecked: the error names the field.
func TestNetworkConfigIsChecked(t *testing.T) {
	negative := -1
	for field, cfg := range map[string]NetworkConfig{
		"Queues":              {Queues: -1},
		"MTU":                 {MTU: -1},
		"Table":               {Table: -1},
		"metric":              {Metric6: &negative},
		"PolicyRules":         {PolicyRules: true},
		"ReplaceDefaultRoute": {ReplaceDefaultRoute: true},
		"namespace":           {Namespace: "blue", DataPath: datapath.KindKernel},
		"DNS":                 {DNS: "nscd"},
	} {
		if n, err := NewNetwork(cfg); n != nil || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if n, err := NewNetwork(NetworkConfig{VRF: "none0"}); n != nil || err == nil || errors.Is(err, ErrConfig) {
		t.Errorf("a VRF that does not exist: %v", err)
	}
}

// TestNetwork: a session's device has the negotiated addresses, the default route and the name
// servers, and Close restores the file of name servers.
func TestNetwork(t *testing.T) {
	roottest.Need(t, "ip")
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	servers := filepath.Join(t.TempDir(), "resolv.conf")
	session := pppoe.SessionInfo{Interface: "eth0", SessionID: 1}
	want := pppoe.Addressing{MTU: 1492, IPv4: ipcp.Agreement{
		Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
		DNS: [2]netip.Addr{netip.MustParseAddr("192.0.2.53")},
	}}
	err = ns.Do(func() error {
		n, err := NewNetwork(NetworkConfig{Name: "dsl0", MTU: 1480, DefaultRoute: true, DNS: DNSFile, ResolvConf: servers})
		if err != nil {
			return err
		}
		device, err := n.Open(session)
		if err != nil {
			return err
		}
		session.Device = device.Name()
		if err := n.Configure(session, pppoe.Addressing{}, want); err != nil {
			return err
		}
		for command, text := range map[string]string{
			"address show dev dsl0": "inet 192.0.2.10 peer 192.0.2.1/32", "link show dev dsl0": "mtu 1480", "route show default": "default dev dsl0",
		} {
			if got, err := ns.Run("ip", strings.Fields(command)...); err != nil || !strings.Contains(got, text) {
				t.Errorf("ip %s: %v\n%s\nwant %q", command, err, got, text)
			}
		}
		if text, err := os.ReadFile(servers); err != nil || !strings.Contains(string(text), "nameserver 192.0.2.53") {
			t.Errorf("the name servers: %v\n%s", err, text)
		}
		device.Close()
		n.Close(session, want)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(servers); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v\n%s", err, text)
	}
}
