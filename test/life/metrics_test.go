package life

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// metricsConfig is a configuration file of a server with metrics.
const metricsConfig = `
[server]
ac-name = "life-ac"
foreground = true
[[interface]]
name = "eth0"
[ipv4]
local-address = "192.0.2.1"
first-address = "192.0.2.10"
[authentication]
chap-secrets = %q
[state]
file = "none"
[metrics]
listen = ":9812"
profiles = true
`

// TestMetrics: a server by its configuration file serves its numbers, and those of a session with
// traffic, on the loopback interface.
func TestMetrics(t *testing.T) {
	w := newTestbed(t)
	file := filepath.Join(w.serverEtc, "server.toml")
	w.serverFile(t, "server.toml", fmt.Sprintf(metricsConfig, filepath.Join(w.serverEtc, "chap-secrets")), 0o600)
	p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", file))
	check(t, p.Await("Serving metrics on http://127.0.0.1:9812/metrics"))
	check(t, p.Await("Serving on eth0"))
	w.dial(t)
	w.awaitOnline(t)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	for path, wants := range map[string][]string{
		"/metrics": {
			"\npppoe_server_sessions{state=\"online\"} 1\n", "\npppoe_server_authentications_total{result=\"accepted\"} 1\n",
			"\npppoe_server_discovery_packets_total{code=\"PADS\",direction=\"sent\"} 1\n", "\npppoe_server_build_info{",
		},
		"/metrics/sessions?user=" + user: {`pppoe_server_session_packets_total{user="` + user + `",`, `ip="192.0.2.10"`},
		"/metrics/sessions?user=nobody":  {"200 OK"},
		"/debug/pprof/goroutine?debug=1": {"goroutine profile: "},
	} {
		text := w.scrape(t, path)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q:\n%s", path, want, text)
			}
		}
	}
	if strings.Contains(w.scrape(t, "/metrics/sessions?user=nobody"), `user="`) {
		t.Error("sessions of others are shown")
	}
}

// scrape requests a path of the server's metrics, in the server's namespace.
func (w *testbed) scrape(t *testing.T, path string) string {
	t.Helper()
	var text []byte
	check(t, w.server.Do(func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:9812")
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
			return err
		}
		text, err = io.ReadAll(conn)
		return err
	}))
	return string(text)
}
