package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/coa"
	"upppoe/internal/aaa/radius"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// source is a server with fixed numbers.
type source struct {
	stats    pppoe.Stats
	sessions []pppoe.SessionStatus
}

func (s *source) Stats() pppoe.Stats { return s.stats }

func (s *source) Pools() []pppoe.PoolStats {
	return []pppoe.PoolStats{{AddressPool: pppoe.AddressPool{Name: "gold"}, Size: 10, Used: 3, Free: 7, Reserved: 2, Refused: 5}}
}

func (s *source) Sessions() iter.Seq[pppoe.SessionStatus] { return slices.Values(s.sessions) }

// server has every kind of number.
func server() *source {
	alice := pppoe.SessionStatus{
		SessionInfo: pppoe.SessionInfo{
			Interface: "eth1.100", SessionID: 7, Peer: wire.Addr{2, 0, 0, 0, 0, 1}, User: "alice", AccessLine: &wire.AccessLine{CircuitID: "olt1 1/1/\xff"},
		},
		Ethernet: "eth1", Opened: time.Now().Add(-time.Minute), RoundTrip: 2 * time.Millisecond,
		Counters: datapath.Counters{SentPackets: 3, SentBytes: 300, ReceivedPackets: 2, ReceivedBytes: 200, Dropped: 7, Exceeded: 4, Spoofed: 2},
	}
	alice.IPv4.Remote = netip.MustParseAddr("192.0.2.10")
	bob := pppoe.SessionStatus{SessionInfo: pppoe.SessionInfo{Interface: "eth1", SessionID: 7, Peer: wire.Addr{2, 0, 0, 0, 0, 2}, User: "bob\xff"}}
	bob.Prefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/56")}
	return &source{
		stats: pppoe.Stats{
			MaxSessions: 100, Sessions: 5, HalfOpen: 2, Online: 1, Established: 9, Opened: 6, Accepted: 8, Rejected: 3,
			Failed: map[session.Cause]uint64{session.CausePeerNotAuthenticated: 3}, Ended: map[session.Cause]uint64{session.CausePeerDead: 5},
			Received: pppoe.DiscoveryCounts{PADI: 20}, Sent: pppoe.DiscoveryCounts{PADO: 19},
			EndedTraffic: datapath.Counters{SentBytes: 1000, Dropped: 10, Exceeded: 10},
			Drops:        map[error]uint64{errors.New("ppp: frame too short"): 4, errors.New("lost: and found: twice"): 1, errors.New("no layer here"): 2},
			Queues:       []pppoe.QueueStats{{Interface: "eth1", Discovery: 1, Control: 2, Capacity: 1024}},
		},
		sessions: []pppoe.SessionStatus{alice, bob},
	}
}

// TestCollector: the numbers of a server as Prometheus reads them.
func TestCollector(t *testing.T) {
	text := get(t, handler(Config{}, server()), "/metrics", http.StatusOK)
	for _, want := range []string{
		`pppoe_server_sessions{state="half_open"} 2`, `pppoe_server_sessions{state="authenticated"} 2`, `pppoe_server_sessions{state="online"} 1`,
		`pppoe_server_max_sessions 100`, `pppoe_server_draining 0`,
		`pppoe_server_sessions_established_total 9`, `pppoe_server_sessions_opened_total 6`,
		`pppoe_server_sessions_failed_total{cause="peer-not-authenticated"} 3`, `pppoe_server_sessions_ended_total{cause="peer-dead"} 5`,
		`pppoe_server_authentications_total{result="accepted"} 8`, `pppoe_server_authentications_total{result="rejected"} 3`,
		`pppoe_server_discovery_packets_total{code="PADI",direction="received"} 20`, `pppoe_server_discovery_packets_total{code="PADO",direction="sent"} 19`,
		`pppoe_server_dropped_frames_total{layer="ppp",reason="frame too short"} 4`, `pppoe_server_dropped_frames_total{layer="lost",reason="and found: twice"} 1`,
		`pppoe_server_dropped_frames_total{layer="server",reason="no layer here"} 2`,
		`pppoe_server_pool_addresses{pool="gold",state="used"} 3`, `pppoe_server_pool_addresses{pool="gold",state="free"} 5`,
		`pppoe_server_pool_addresses{pool="gold",state="reserved"} 2`, `pppoe_server_pool_refused_total{pool="gold"} 5`,
		`pppoe_server_queue_frames{interface="eth1",queue="control"} 2`, `pppoe_server_queue_capacity_frames{interface="eth1"} 1024`,
		`pppoe_server_bytes_total{direction="sent"} 1300`, `pppoe_server_packets_total{direction="received"} 2`,
		`pppoe_server_dropped_packets_total{reason="rate"} 14`, `pppoe_server_dropped_packets_total{reason="source"} 2`, `pppoe_server_dropped_packets_total{reason="other"} 1`,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

// TestNamesFollowConventions: Prometheus's own check of names and help finds nothing.
func TestNamesFollowConventions(t *testing.T) {
	all := allNumbers(t)
	all["/metrics/sessions"] = get(t, handler(Config{}, server()), "/metrics/sessions", http.StatusOK)
	for name, text := range all {
		if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, err, problems)
		}
	}
}

// allNumbers returns /metrics of servers of all kinds, which together have all metrics.
func allNumbers(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"with a cluster":  get(t, handler(Config{}, server(), radiusNumbers(), clusterNumbers), "/metrics", http.StatusOK),
		"with all active": get(t, handler(Config{}, server(), storeNumbers, allActiveNumbers), "/metrics", http.StatusOK),
	}
}

// TestSessionLabels: no text of a peer breaks a line of the answer: a parser reads it back.
func TestSessionLabels(t *testing.T) {
	const user = "a\"b\\c\nd{e=\"f\"} 1\xff\\n"
	s := server()
	s.sessions[0].User = user
	text := get(t, handler(Config{}, s), "/metrics/sessions", http.StatusOK)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, m := range families["pppoe_server_session_dropped_packets_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "user" && l.GetValue() == strings.ToValidUTF8(user, "\uFFFD") && m.GetCounter().GetValue() == 7 {
				return
			}
		}
	}
	t.Errorf("the session is not in\n%s", text)
}

// TestTrafficNeverDecreases: a session that leaves the table before it is among the ended ones does not
// make a counter fall.
func TestTrafficNeverDecreases(t *testing.T) {
	s := server()
	h := handler(Config{}, s)
	get(t, h, "/metrics", http.StatusOK)
	s.sessions = nil
	if text := get(t, h, "/metrics", http.StatusOK); !strings.Contains(text, `pppoe_server_bytes_total{direction="sent"} 1300`) {
		t.Errorf("the counter has fallen:\n%s", text)
	}
	s.stats.EndedTraffic.SentBytes = 1400
	if text := get(t, h, "/metrics", http.StatusOK); !strings.Contains(text, `pppoe_server_bytes_total{direction="sent"} 1400`) {
		t.Errorf("the counter has stopped:\n%s", text)
	}
}

// TestSessions: the query selects sessions; what it cannot mean is an error that names the parameter.
func TestSessions(t *testing.T) {
	h := handler(Config{}, server())
	all := get(t, h, "/metrics/sessions", http.StatusOK)
	for _, want := range []string{
		`pppoe_server_session_bytes_total{user="alice",mac="02:00:00:00:00:01",ip="192.0.2.10",interface="eth1.100",session_id="7",circuit_id="olt1 1/1/�",direction="sent"} 300`,
		`pppoe_server_session_echo_round_trip_seconds{user="alice",mac="02:00:00:00:00:01",ip="192.0.2.10",interface="eth1.100",session_id="7",circuit_id="olt1 1/1/�"} 0.002`,
		`user="bob�"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is missing in\n%s", want, all)
		}
	}
	for query, want := range map[string]string{
		"user=alice": "alice", "mac=02:00:00:00:00:01": "alice", "ip=192.0.2.10": "alice", "interface=eth1.100": "alice",
		"ip=2001:db8:1:2::3": "bob", "interface=eth1": "alice bob", "user=alice&ip=2001:db8:1::1": "", "user=carol": "",
	} {
		text := get(t, h, "/metrics/sessions?"+query, http.StatusOK)
		for _, user := range []string{"alice", "bob"} {
			if has := strings.Contains(text, `user="`+user); has != strings.Contains(want, user) {
				t.Errorf("%s: %s is there: %v, want %q", query, user, has, want)
			}
		}
	}
	for query, want := range map[string]string{"mac=x": "mac=x: ", "ip=1.2": "ip=1.2: ", "name=alice": "name=alice: unknown parameter: give user, mac, ip or interface"} {
		if text := get(t, h, "/metrics/sessions?"+query, http.StatusBadRequest); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %q, want %q", query, text, want)
		}
	}
}

// radiusNumbers are metrics of every kind of number of RADIUS.
func radiusNumbers() (all fixed) {
	to := make(chan prometheus.Metric, 100)
	m := metricSink{to}
	s := radius.Stats{Outstanding: 3, Queued: 2, Busy: 1, Servers: []radius.ServerStats{{
		Addr: netip.MustParseAddrPort("192.0.2.5:1812"), Requests: 9, Retransmitted: 4, Timeouts: 2, LatencySeconds: 1.5,
		Drops: map[error]uint64{radius.ErrSource: 7},
	}}}
	s.Servers[0].Latency[0], s.Servers[0].Latency[1], s.Servers[0].Latency[len(radius.LatencyBounds)] = 5, 1, 1
	m.radiusClient(s, "auth")
	m.accounting(accounting.Stats{Memory: 1, Spooled: 2, Sending: 3, Sent: 4, DroppedStop: 5, DroppedInterim: 6})
	m.coa(coa.Stats{ACKs: 8, NAKs: 9, Drops: map[error]uint64{coa.ErrClient: 10}})
	close(to)
	for one := range to {
		all = append(all, one)
	}
	return all
}

// TestRADIUS: the numbers of RADIUS. The latency is a histogram, whose classes Prometheus adds up.
func TestRADIUS(t *testing.T) {
	text := get(t, handler(Config{}, server(), radiusNumbers()), "/metrics", http.StatusOK)
	for _, want := range []string{
		`pppoe_server_radius_server_up{server="192.0.2.5:1812",use="auth"} 1`, `pppoe_server_radius_requests_total{server="192.0.2.5:1812",use="auth"} 9`,
		`pppoe_server_radius_answer_seconds_bucket{server="192.0.2.5:1812",use="auth",le="0.001"} 5`, `pppoe_server_radius_answer_seconds_bucket{server="192.0.2.5:1812",use="auth",le="0.003"} 6`,
		`pppoe_server_radius_answer_seconds_bucket{server="192.0.2.5:1812",use="auth",le="+Inf"} 7`, `pppoe_server_radius_answer_seconds_sum{server="192.0.2.5:1812",use="auth"} 1.5`,
		`pppoe_server_radius_dropped_answers_total{reason="packet from an address or port that is not a server's",server="192.0.2.5:1812",use="auth"} 7`,
		`pppoe_server_radius_outstanding_requests{use="auth"} 3`, `pppoe_server_accounting_waiting_records{place="spool"} 2`,
		`pppoe_server_accounting_dropped_records_total{kind="stop"} 5`, `pppoe_server_coa_requests_total{result="refused"} 9`,
		`pppoe_server_coa_dropped_requests_total{reason="request from an address that is not a client's"} 10`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

// fixed is a prometheus.Collector of fixed metrics.
type fixed []prometheus.Metric

func (f fixed) Describe(to chan<- *prometheus.Desc) { RADIUS{}.Describe(to) }

func (f fixed) Collect(to chan<- prometheus.Metric) {
	for _, m := range f {
		to <- m
	}
}

// TestProfiles: profiles are there only if they are asked for.
func TestProfiles(t *testing.T) {
	get(t, handler(Config{}, server()), "/debug/pprof/", http.StatusNotFound)
	get(t, handler(Config{Profiles: true}, server()), "/debug/pprof/heap", http.StatusOK)
}

// TestAddr: without an address it is the loopback interface; profiles are served on no other one.
func TestAddr(t *testing.T) {
	for _, c := range []struct {
		listen   string
		profiles bool
		want     string // empty: an error
	}{
		{":9812", true, "127.0.0.1:9812"}, {"[::1]:1", true, "[::1]:1"}, {"192.0.2.1:9812", false, "192.0.2.1:9812"},
		{"192.0.2.1:9812", true, ""}, {"0.0.0.0:9812", true, ""}, {"localhost", false, ""}, {"9812", false, ""}, {"", false, ""}, {":99999", false, ""},
	} {
		a, err := Config{Listen: c.listen, Profiles: c.profiles}.Addr()
		if (err == nil) != (c.want != "") || err == nil && a.String() != c.want {
			t.Errorf("%+v: %v, %v", c, a, err)
		}
	}
}

// TestListen: a server on a real socket answers, and ends with Close.
func TestListen(t *testing.T) {
	s, err := Listen(Config{Listen: ":0"}, server())
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("http://%v/metrics", s.Addr())
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(text), "pppoe_server_build_info") {
		t.Errorf("%v, %s", err, text)
	}
	r.Body.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it answers after Close")
	}
}

// TestFilesNameMetrics: the dashboard and the alert rules use only metrics and labels that there are.
func TestFilesNameMetrics(t *testing.T) {
	text := get(t, handler(Config{}, server()), "/metrics/sessions", http.StatusOK)
	for _, of := range allNumbers(t) {
		text += of
	}
	name := regexp.MustCompile(`\b(pppoe|process|go)_[a-z_]+(\{[^}]*\})?`)
	label := regexp.MustCompile(`([a-z_]+)(=~|!=|=)"`)
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(Dashboard), &dashboard); err != nil {
		t.Fatal(err)
	}
	exprs := []string{AlertRules}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	if len(exprs) < 12 {
		t.Errorf("only %d expressions", len(exprs))
	}
	for _, expr := range exprs {
		for _, use := range name.FindAllString(expr, -1) {
			metric, labels, _ := strings.Cut(use, "{")
			if !strings.Contains(text, "\n# TYPE "+strings.TrimSuffix(metric, "_bucket")+" ") {
				t.Errorf("there is no metric %s: %s", metric, use)
			}
			for _, l := range label.FindAllStringSubmatch(labels, -1) {
				if l[1] != "instance" && !regexp.MustCompile("\n"+metric+`\{[^}]*\b`+l[1]+`="`).MatchString(text) {
					t.Errorf("%s has no label %s", metric, l[1])
				}
			}
		}
	}
}

// BenchmarkSessions: the answer with the traffic of 20,000 sessions.
func BenchmarkSessions(b *testing.B) {
	s := server()
	s.sessions = slices.Repeat(s.sessions, 10_000)
	h := handler(Config{}, s)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		w.Body = nil
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics/sessions", nil))
	}
}

func get(t *testing.T, h http.Handler, url string, status int) string {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Host = "localhost:9812"
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s: status %d, want %d: %s", url, w.Code, status, w.Body)
	}
	return w.Body.String()
}

// TestProfilesAreLocal: a page of the web cannot make a browser read the profiles by a name of its own.
func TestProfilesAreLocal(t *testing.T) {
	h := handler(Config{Profiles: true}, server())
	for host, status := range map[string]int{
		"127.0.0.1:9812": http.StatusOK, "[::1]:9812": http.StatusOK, "[::1]": http.StatusOK, "localhost:9812": http.StatusOK, "localhost": http.StatusOK,
		"rebind.example.com:9812": http.StatusForbidden, "rebind.example.com": http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}

// TestConnectionsAreBounded: idle connections take few file descriptors.
func TestConnectionsAreBounded(t *testing.T) {
	s, err := Listen(Config{Listen: ":0"}, server())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := descriptors()
	const clients = 3 * maxConnections
	for range clients {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	const others = 8 // of the runtime
	if n := descriptors() - before - clients; n > maxConnections+others {
		t.Errorf("%d connections were accepted", n)
	}
}
