package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// fakeServer has sessions, and records which were ended.
type fakeServer struct {
	servercontrol.Server
	mu    sync.Mutex
	all   []pppoe.SessionStatus
	ended []uint64
	reads int // of all sessions
}

func (s *fakeServer) Sessions() iter.Seq[pppoe.SessionStatus] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for i := range s.all {
		s.all[i].Counters.SentBytes += 125_000 * uint64(i+1)
	}
	return slices.Values(slices.Clone(s.all))
}

func (s *fakeServer) Stats() pppoe.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pppoe.Stats{
		Sessions: len(s.all), Online: len(s.all), MaxSessions: 65534, Established: 9, Opened: uint64(len(s.all)), Accepted: 7, Rejected: 3,
		Failed: map[session.Cause]uint64{session.CausePeerNotAuthenticated: 2}, Ended: map[session.Cause]uint64{session.CauseHangUp: uint64(len(s.ended))},
		Drops: map[error]uint64{pppoe.ErrVLAN: 2}, Queues: []pppoe.QueueStats{{Interface: "eth1", Capacity: 4096}},
	}
}

func (s *fakeServer) Disconnect(k pppoe.SessionKey, _ pppoe.DisconnectMode, _ session.Reason) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, k.Generation)
	s.all = slices.DeleteFunc(s.all, func(one pppoe.SessionStatus) bool { return one.Generation == k.Generation })
	return nil
}

func (s *fakeServer) Lookup(generation uint64) (pppoe.SessionKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		if s.all[i].Generation == generation {
			return s.all[i].Key(), true
		}
	}
	return pppoe.SessionKey{}, false
}

func (s *fakeServer) Session(k pppoe.SessionKey) (pppoe.SessionStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		if one := &s.all[i]; one.Generation == k.Generation {
			one.Counters.SentBytes += 125_000
			return *one, nil
		}
	}
	return pppoe.SessionStatus{}, pppoe.ErrNoSession
}

// endedNow returns the IDs of the sessions that were ended.
func (s *fakeServer) endedNow() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

// newSessions returns a server with n sessions.
func newSessions(n int) *fakeServer {
	s := &fakeServer{}
	opened := time.Now().Add(-time.Hour)
	for i := 1; i <= n; i++ {
		one := pppoe.SessionStatus{
			SessionInfo: pppoe.SessionInfo{Interface: fmt.Sprintf("eth1.%d", 100+i%50), SessionID: uint16(i), Generation: uint64(i), Peer: wire.Addr{2, 0, 0x5e, byte(i >> 16), byte(i >> 8), byte(i)}, User: fmt.Sprintf("user%d@example.net", i)},
			Ethernet:    "eth1", VLAN: fmt.Sprint(100 + i%50), Phase: pppoe.PhaseOnline, Opened: opened, RoundTrip: time.Duration(i%40) * 100 * time.Microsecond,
			Policy: &pppoe.SessionPolicy{},
		}
		one.MTU, one.IPv4 = 1492, ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)})}
		one.Counters = datapath.Counters{ReceivedBytes: uint64(i) * 1000}
		one.AccessLine = &wire.AccessLine{CircuitID: fmt.Sprintf("olt3 xpon 0/1/0/7:%d", i)}
		s.all = append(s.all, one)
	}
	return s
}

const testToken = "correct horse battery"

// serve serves a page of a fake server. Before is called before it does.
func serve(t testing.TB, c Config, token string, server servercontrol.Server, before ...func(*Server)) (s *Server, base string, log *bytes.Buffer) {
	t.Helper()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	log = &bytes.Buffer{}
	by := Secrets{Token: []byte(token)}
	if c.UsesTLS() {
		by.Certificate = certificate(t)
	}
	s, err := Open(c, by, nil, slog.New(slog.NewTextHandler(&lockedWriter{to: log}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, change := range before {
		change(s)
	}
	s.Start(&servercontrol.Program{
		Server: server, Info: servercontrol.Info{ACName: "isp-ac", Interfaces: []string{"eth1, VLANs 100-149", "eth2"}, Since: time.Now()},
		Pools: func() []servercontrol.Pool {
			return []servercontrol.Pool{{Name: "default", Family: "ipv4", Range: "100.64.0.1-100.64.255.254", Size: 65534, Used: 200, Free: 65334}}
		},
	})
	return s, c.Scheme() + "://" + s.Addr().String(), log
}

type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// noRedirects shows redirects as they are.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// request sends a request with headers, of which Host is one.
func request(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := noRedirects.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func decode[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

// TestAddress: the page of all machines needs a token.
func TestAddress(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:8080": false, ":8080": false, "[::1]:80": false, "[::ffff:127.0.0.1]:80": false, "127.9.9.9:1": false,
		"0.0.0.0:80": true, "[::]:80": true, "192.0.2.1:80": true, "[2001:db8::1]:80": true,
	} {
		if got := (Config{Listen: listen}).NeedsToken(); got != want {
			t.Errorf("%s needs a token: %v", listen, got)
		}
	}
	for _, listen := range []string{"8080", "localhost:8080", "127.0.0.1", "127.0.0.1:x", ""} {
		if _, err := (Config{Listen: listen}).Addr(); err == nil || !strings.Contains(err.Error(), "like 127.0.0.1:8080") {
			t.Errorf("%q: %v", listen, err)
		}
	}
	if _, err := Open(Config{Listen: "0.0.0.0:0"}, Secrets{}, nil, slog.Default()); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("a page for all without a token: %v", err)
	}
}

// TestHost: a name of the DNS that nobody has allowed gets nothing (DNS rebinding).
func TestHost(t *testing.T) {
	_, base, _ := serve(t, Config{Names: []string{"bng1.example.net"}}, "", newSessions(1))
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8080": 200, "192.0.2.1": 200, "[::1]:8080": 200, "127.0.0.1:1": 200, "bng1.example.net": 200, "BNG1.example.net:443": 200,
		"evil.example": 403, "bng1.example.net.evil.example": 403, "127.0.0.1.evil.example:80": 403, "localhost.evil.example": 403,
	} {
		for _, path := range []string{"/", "/api/overview", "/page.js", "/login"} {
			if answer, text := request(t, "GET", base+path, "", "Host", host); answer.StatusCode != want {
				t.Errorf("%s at %s: %d %s", path, host, answer.StatusCode, text)
			}
		}
	}
}

// TestHeaders: every response has what keeps other pages and scripts out, and nothing is of another origin.
func TestHeaders(t *testing.T) {
	_, base, _ := serve(t, Config{}, "", newSessions(1))
	for _, path := range []string{"/", "/page.js", "/page.css", "/icon.svg", "/login", "/api/overview", "/api/sessions", "/api/history", "/nothing"} {
		answer, text := request(t, "GET", base+path, "")
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
		for _, foreign := range []string{"https://", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "<script>", "style=\""} {
			if strings.Contains(text, foreign) {
				t.Errorf("%s has %q", path, foreign)
			}
		}
	}
}

// TestToken: without the token, or the cookie of a login, there is nothing but the form; a cookie ends with
// its time and with the token.
func TestToken(t *testing.T) {
	s, base, log := serve(t, Config{}, testToken, newSessions(1))
	if answer, _ := request(t, "GET", base+"/", ""); answer.StatusCode != 303 || answer.Header.Get("Location") != "/login" {
		t.Errorf("the page: %d %v", answer.StatusCode, answer.Header)
	}
	for path, want := range map[string]int{"/api/overview": 401, "/api/events": 401, "/api/sessions": 401, "/api/history": 401, "/page.js": 303, "/login": 200, "/page.css": 200} {
		for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", testToken}, {"Cookie", s.cookieName() + "=" + testToken}, {"Cookie", s.cookieName() + "=AAAA"}} {
			if answer, _ := request(t, "GET", base+path, "", headers...); answer.StatusCode != want {
				t.Errorf("%s with %q: %d", path, headers, answer.StatusCode)
			}
		}
	}
	if answer, _ := request(t, "GET", base+"/api/overview", "", "Authorization", "Bearer "+testToken); answer.StatusCode != 200 {
		t.Errorf("with the token: %d", answer.StatusCode)
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for range 20 {
		answer, _ := request(t, "POST", base+"/login", "token=wrong", form...)
		if answer.StatusCode != 303 || answer.Header.Get("Location") != "/login#wrong" || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("a wrong token: %d %v", answer.StatusCode, answer.Header)
		}
	}
	if n := strings.Count(log.String(), "wrong token from 127.0.0.1"); n != 5 {
		t.Errorf("%d lines of the log about wrong tokens:\n%s", n, log)
	}
	answer, _ := request(t, "POST", base+"/login", url.Values{"token": {testToken}}.Encode(), form...)
	set := answer.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie is %q, without %s", set, want)
		}
	}
	cookie, _, _ := strings.Cut(set, ";")
	if answer, _ := request(t, "GET", base+"/api/overview", "", "Cookie", cookie); answer.StatusCode != 200 {
		t.Errorf("with the cookie: %d", answer.StatusCode)
	}
	s.SetSecrets(Secrets{Token: []byte("another token, as long")})
	if answer, _ := request(t, "GET", base+"/api/overview", "", "Cookie", cookie); answer.StatusCode != 401 {
		t.Errorf("with the cookie of an earlier token: %d", answer.StatusCode)
	}
	if strings.Contains(log.String(), testToken) {
		t.Errorf("the log has the token:\n%s", log)
	}
}

// TestCookie: a proof of a login is valid until its time, and only as it was made.
func TestCookie(t *testing.T) {
	is, now := newToken([]byte(testToken)), time.Unix(1e9, 0)
	good := is.cookie(now.Add(time.Hour))
	for text, want := range map[string]bool{good: true, good + "A": false, good[1:]: false, "": false, strings.ToLower(good): false, newToken([]byte("x")).cookie(now.Add(time.Hour)): false, is.cookie(now): false} {
		if is.hasCookie(text, now) != want {
			t.Errorf("cookie %q is valid: %v", text, !want)
		}
	}
	if is.hasCookie(good, now.Add(time.Hour)) {
		t.Error("a cookie is valid after its time")
	}
}

// TestDisconnect: a session is ended by the page itself, or a program with the token, where it is allowed,
// and by nobody else.
func TestDisconnect(t *testing.T) {
	for _, c := range []struct {
		name    string
		control bool
		token   string
		headers []string // CSRF stands for the value
		body    string
		want    int
	}{
		{"page", true, "", []string{csrfHeader, "CSRF", "Origin", "BASE", "Sec-Fetch-Site", "same-origin"}, `{"id":7}`, 200},
		{"old browser", true, "", []string{csrfHeader, "CSRF", "Origin", "BASE"}, `{"id":7}`, 200},
		{"read-only", false, "", []string{csrfHeader, "CSRF", "Origin", "BASE"}, `{"id":7}`, 403},
		{"no value", true, "", []string{"Origin", "BASE", "Sec-Fetch-Site", "same-origin"}, `{"id":7}`, 403},
		{"wrong value", true, "", []string{csrfHeader, "x"}, `{"id":7}`, 403},
		{"other page", true, "", []string{csrfHeader, "CSRF", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, `{"id":7}`, 403},
		{"other port", true, "", []string{csrfHeader, "CSRF", "Sec-Fetch-Site", "same-site"}, `{"id":7}`, 403},
		{"other page, old browser", true, "", []string{csrfHeader, "CSRF", "Origin", "http://evil.example"}, `{"id":7}`, 403},
		{"sandboxed frame", true, "", []string{csrfHeader, "CSRF", "Origin", "null"}, `{"id":7}`, 403},
		{"no login", true, testToken, []string{csrfHeader, "CSRF"}, `{"id":7}`, 401},
		{"program", true, testToken, []string{"Authorization", "Bearer " + testToken}, `{"id":7}`, 200},
		{"program, no token needed", true, "", []string{"Authorization", "Bearer x"}, `{"id":7}`, 403},
		{"gone", true, "", []string{csrfHeader, "CSRF"}, `{"id":99}`, 409},
		{"all", true, "", []string{csrfHeader, "CSRF"}, `{}`, 400},
		{"all, explicitly", true, "", []string{csrfHeader, "CSRF"}, `{"id":0,"all":true}`, 400},
		{"no JSON", true, "", []string{csrfHeader, "CSRF"}, `id=7`, 400},
		{"long", true, "", []string{csrfHeader, "CSRF"}, `{"id":` + strings.Repeat(" ", maxForm) + `7}`, 400},
	} {
		server := newSessions(9)
		s, base, log := serve(t, Config{Control: c.control}, c.token, server)
		headers := slices.Clone(c.headers)
		for i := range headers {
			headers[i] = strings.ReplaceAll(strings.ReplaceAll(headers[i], "BASE", base), "CSRF", s.csrf)
			if c.headers[i] == csrfHeader {
				headers[i] = csrfHeader
			}
		}
		answer, text := request(t, "POST", base+"/api/disconnect", c.body, headers...)
		if ended := server.endedNow(); answer.StatusCode != c.want || (len(ended) == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s, ended %d", c.name, answer.StatusCode, text, ended)
		}
		if c.want == 200 && !strings.Contains(log.String(), "session 7 is disconnected at the request of 127.0.0.1") {
			t.Errorf("%s: the log is %s", c.name, log)
		}
		s.Close()
	}
	_, base, _ := serve(t, Config{}, "", newSessions(1))
	if answer, _ := request(t, "GET", base+"/api/disconnect", ""); answer.StatusCode != 405 {
		t.Errorf("GET is answered by %d", answer.StatusCode)
	}
	if o := decode[Overview](t, second(request(t, "GET", base+"/api/overview", ""))); o.Control || o.CSRF != "" {
		t.Errorf("a read-only page has %+v", o)
	}
	if answer, _ := request(t, "GET", base+"/api/overview", "", "Sec-Fetch-Site", "cross-site"); answer.StatusCode != 403 {
		t.Errorf("another page reads the overview: %d", answer.StatusCode)
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestSessions: search, order and pages are the server's work.
func TestSessions(t *testing.T) {
	server := newSessions(1000)
	_, base, _ := serve(t, Config{}, "", server)
	get := func(query string) Table {
		return decode[Table](t, second(request(t, "GET", base+"/api/sessions?"+query, "")))
	}
	ids := func(page Table) (all []uint64) {
		for _, row := range page.Rows {
			all = append(all, row.ID)
		}
		return all
	}
	for query, want := range map[string]string{
		"limit=3":                                  "1000 of 1000 at 0: [1000 999 998]",
		"sort=-id&limit=3":                         "1000 of 1000 at 0: [1 2 3]",
		"sort=user&limit=2&q=USER99":               "11 of 1000 at 0: [990 991]",
		"sort=user&limit=2&q=user99&offset=9":      "11 of 1000 at 9: [999 99]",
		"q=100.64.3.232":                           "1 of 1000 at 0: [1000]",
		"q=olt3+xpon+0/1/0/7:77&sort=-id&limit=1":  "11 of 1000 at 0: [77]",
		"sort=ip&limit=2":                          "1000 of 1000 at 0: [1 2]",
		"sort=-ip&limit=1":                         "1000 of 1000 at 0: [1000]",
		"sort=in&limit=1":                          "1000 of 1000 at 0: [1000]",
		"q=nobody":                                 "0 of 1000 at 0: []",
		"offset=5000":                              "1000 of 1000 at 1000: []",
		"q=%3Cscript%3E":                           "0 of 1000 at 0: []",
		"sort=-id&limit=1&offset=999&q=02%3A00%3A": "1000 of 1000 at 999: [1000]",
	} {
		page := get(query)
		if got := fmt.Sprintf("%d of %d at %d: %d", page.Matching, page.Sessions, page.Offset, ids(page)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if server.reads > 2 {
		t.Errorf("the sessions were read %d times within moments", server.reads)
	}
	for query, want := range map[string]string{
		"sort=x": "there is no column \"x\": give one of id, user", "limit=201": "at most 200", "limit=-1": "limit: give a number", "offset=x": "offset: give a number",
		"q=" + strings.Repeat("x", 65): "at most 64",
	} {
		if answer, text := request(t, "GET", base+"/api/sessions?"+query, ""); answer.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", query, answer.StatusCode, text)
		}
	}
}

// TestForget: sessions are read when somebody asks, and not kept when nobody does any more.
func TestForget(t *testing.T) {
	server, now := newSessions(10), time.Unix(1e9, 0)
	var table sessionTable
	table.init(&servercontrol.Program{Server: server})
	table.reader.Now = func() time.Time { return now }
	read := func() Table {
		page, err := table.read(tableQuery{limit: 1, sort: must(parseTableQuery(url.Values{"sort": {"down"}})).sort})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	read()
	now = now.Add(2 * time.Second)
	page := read()
	if page.Rows[0].ID != 10 || page.Rows[0].Cells[9] != "5.0M" { // 1.25 MB in two seconds
		t.Errorf("the first by rate is %+v", page.Rows[0])
	}
	for _, c := range []struct {
		after time.Duration
		keeps bool
	}{{forgetTime, true}, {time.Second, false}} {
		now = now.Add(c.after)
		table.forget(now)
		if (table.all != nil) != c.keeps {
			t.Errorf("after %v it has %d sessions", c.after, len(table.all))
		}
	}
	if _, ok := table.counted("eth1"); ok || server.reads != 2 {
		t.Errorf("%d reads", server.reads)
	}
	read()
	if n, ok := table.counted("eth1.110"); !ok || n != 1 {
		t.Errorf("%d sessions in VLAN 110", n)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestHistory: points have what there was, and what was new since the point before; the oldest are dropped.
func TestHistory(t *testing.T) {
	var h history
	n := 2 * hourSamples
	for i := range n {
		stats := pppoe.Stats{Sessions: i, Online: i / 2, Opened: uint64(10 * i), Rejected: uint64(i), Failed: map[session.Cause]uint64{session.CausePeerDead: uint64(2 * i)}}
		h.add(countsOf(&stats, time.Unix(int64(10*i), 0)))
	}
	hour, day := h.span(false), h.span(true)
	if len(hour.Points) != hourSamples-1 || hour.Step != 10 {
		t.Errorf("%d points of an hour", len(hour.Points))
	}
	last, want := hour.Points[len(hour.Points)-1], []int64{int64(10 * (n - 1)), int64(n - 1), int64((n - 1) / 2), 10, 2, 1, 0}
	if !slices.Equal(last, want) || len(hour.Columns) != len(want) || hour.Points[0][0] != last[0]-10*int64(hourSamples-2) {
		t.Errorf("from %v to %v, want %v", hour.Points[0], last, want)
	}
	if p := day.Points[0]; len(day.Points) != (n-1)/dayFactor || day.Step != 300 || p[3] != 300 {
		t.Errorf("%d points of a day, of which the first is %v", len(day.Points), p)
	}
	h.add(counts{at: 1})
	if p := h.span(false).Points; p[len(p)-1][3] != 0 {
		t.Errorf("after totals have begun again: %v", p[len(p)-1])
	}
}
