package servercontrol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/mgmt/control"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// fakeServer has sessions, and records what is asked of it.
type fakeServer struct {
	all     []pppoe.SessionStatus
	calls   []string
	drained bool
	gone    uint64 // the generation of a session that has ended meanwhile
}

func (s *fakeServer) Sessions() iter.Seq[pppoe.SessionStatus] { return slices.Values(s.all) }
func (s *fakeServer) Drain(on bool)                           { s.drained = on }
func (s *fakeServer) Stats() pppoe.Stats {
	return pppoe.Stats{
		Sessions: 2, Online: 1, HalfOpen: 1, MaxSessions: 8, Draining: s.drained, Established: 5, Opened: 4,
		Failed: map[session.Cause]uint64{session.CausePeerNotAuthenticated: 1}, Ended: map[session.Cause]uint64{session.CauseHangUp: 3},
		Received: pppoe.DiscoveryCounts{PADI: 9}, Drops: map[error]uint64{pppoe.ErrVLAN: 2},
		Queues: []pppoe.QueueStats{{Interface: "eth1", Control: 3, Capacity: 4096}},
	}
}

func (s *fakeServer) Disconnect(k pppoe.SessionKey, how pppoe.DisconnectMode, why session.Reason) error {
	if k.Generation == s.gone {
		return pppoe.ErrNoSession
	}
	s.calls = append(s.calls, fmt.Sprintf("%d %d %v %s", k.Generation, how, why.Cause, why.Text))
	return nil
}

func (s *fakeServer) ChangePolicy(k pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	p := pppoe.SessionPolicy{Up: datapath.Rate{Bits: 1000, Burst: 1}, Down: datapath.Rate{Bits: 2000, Burst: 2}, MSS: 7}
	change(&p)
	s.calls = append(s.calls, fmt.Sprintf("%d %v %v %d", k.Generation, p.Up, p.Down, p.MSS))
	return nil
}

func (s *fakeServer) Lookup(generation uint64) (key pppoe.SessionKey, ok bool) {
	for i := range s.all {
		if s.all[i].Generation == generation {
			return s.all[i].Key(), true
		}
	}
	return key, false
}

func (s *fakeServer) Session(key pppoe.SessionKey) (pppoe.SessionStatus, error) {
	for i := range s.all {
		if s.all[i].Key() == key && key.Generation != s.gone {
			return s.all[i], nil
		}
	}
	return pppoe.SessionStatus{}, pppoe.ErrNoSession
}

var opened = time.Now().Add(-time.Hour)

// sessions returns three sessions: alice and bob online in VLANs, and one that is not authenticated.
func sessions() *fakeServer {
	line := wire.AccessLine{CircuitID: "dslam1 1/2", RemoteID: "r\x1b"}
	line.SetAttribute(wire.ActualRateDown, 50000)
	online := func(generation uint64, user, vlan, address string, mac byte) pppoe.SessionStatus {
		s := pppoe.SessionStatus{
			SessionInfo: pppoe.SessionInfo{Interface: "eth1." + vlan, SessionID: uint16(generation), Generation: generation, Peer: wire.Addr{2, 0, 0, 0, 0, mac}, User: user, Device: fmt.Sprintf("ppp%d", generation)},
			Ethernet:    "eth1", VLAN: vlan, Phase: pppoe.PhaseOnline, Opened: opened, RoundTrip: 1500 * time.Microsecond,
			Policy: &pppoe.SessionPolicy{Up: datapath.Rate{Bits: 10e6}, FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}},
		}
		s.MTU, s.IPv4 = 1492, ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr(address)}
		s.Counters = datapath.Counters{SentPackets: 1, SentBytes: 2, ReceivedPackets: 3, ReceivedBytes: 4, Dropped: 5, Spoofed: 2}
		return s
	}
	alice, bob := online(1, "al\x1bice", "100", "192.0.2.10", 1), online(2, "bob", "100.5", "192.0.2.11", 2)
	alice.AccessLine = &line
	bob.Prefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/56")}
	bob.Policy = &pppoe.SessionPolicy{}
	return &fakeServer{all: []pppoe.SessionStatus{alice, bob, {
		SessionInfo: pppoe.SessionInfo{Interface: "eth2", SessionID: 1, Generation: 3, Peer: wire.Addr{2, 0, 0, 0, 0, 3}}, Ethernet: "eth2", Phase: pppoe.PhaseTerminate, Policy: &pppoe.SessionPolicy{},
	}}}
}

// ask sends a request over a socket, and returns the rows and the result.
func ask(t *testing.T, p *Program, request string) (rows []string, result Result) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	s, err := control.Listen(control.Config{Path: path, Handler: p, Log: control.NewLogRing(), Requests: p.Requests()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got bytes.Buffer
	if err := control.RequestAt(path, request, &got, time.Minute); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(got.String(), "\n"), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil {
		t.Fatalf("%q: %v", got.String(), err)
	}
	return lines[:len(lines)-1], result
}

// TestSessionInJSON: every field, with what the peer has sent escaped.
func TestSessionInJSON(t *testing.T) {
	rows, result := ask(t, &Program{Server: sessions()}, "sessions")
	if len(rows) != 3 || !result.Done || result.Count != 3 {
		t.Fatalf("%d rows, %+v", len(rows), result)
	}
	rows[0], _, _ = strings.Cut(rows[0], `"seconds":`)
	since, _ := json.Marshal(opened)
	const want = `{"id":1,"line":"eth1.100","interface":"eth1","vlan":"100","session_id":1,"mac":"02:00:00:00:00:01","user":"al\\033ice","state":"online","device":"ppp1","mtu":1492,` +
		`"ipv4":{"local":"192.0.2.1","remote":"192.0.2.10"},"online_since":`
	if rows[0] != want+string(since)+"," {
		t.Errorf("the first is\n%s\nwant\n%s%s,", rows[0], want, since)
	}
	if want := `{"id":3,"line":"eth2","interface":"eth2","session_id":1,"mac":"02:00:00:00:00:03","state":"closing","traffic":{"sent_packets":0,"sent_bytes":0,"received_packets":0,"received_bytes":0,"dropped":0}}`; rows[2] != want {
		t.Errorf("the third is\n%s\nwant\n%s", rows[2], want)
	}
	j := sessionOf(&sessions().all[0], opened.Add(time.Minute))
	rest, _ := json.Marshal(map[string]any{"s": j.Seconds, "rtt": j.RoundTrip, "t": j.Traffic, "up": j.RateUp, "routes": j.Routes, "c": j.CircuitID, "r": j.RemoteID, "line": j.Access})
	if want := `{"c":"dslam1 1/2","line":{"actual_rate_down":50000},"r":"r\\033","routes":["198.51.100.0/29"],"rtt":1.5,"s":60,` +
		`"t":{"sent_packets":1,"sent_bytes":2,"received_packets":3,"received_bytes":4,"dropped":5,"spoofed":2},"up":10000}`; string(rest) != want {
		t.Errorf("the rest is\n%s\nwant\n%s", rest, want)
	}
	rows, _ = ask(t, &Program{Server: sessions(), NAS: nas}, `sessions {"id":3}`)
	if len(rows) != 1 || !strings.Contains(rows[0], `"acct_session_id":"6a00000000000003"`) {
		t.Errorf("with RADIUS: %q", rows)
	}
	rows, _ = ask(t, &Program{Server: sessions()}, `sessions {"traffic_only":true,"id":1}`)
	if len(rows) != 1 || !strings.HasPrefix(rows[0], `{"id":1,`) || strings.Contains(rows[0], "alice") || !strings.Contains(rows[0], `"sent_bytes":2`) {
		t.Errorf("traffic only: %q", rows)
	}
	for at, complete := range map[time.Time]bool{opened: true, opened.Add(1): false} {
		text, _ := json.Marshal(Query{TrafficBefore: at})
		rows, _ = ask(t, &Program{Server: sessions()}, "sessions "+string(text))
		if len(rows) != 3 || strings.Contains(rows[0], `"mac":"02`) != complete || !strings.Contains(rows[2], `"mac":"02`) {
			t.Errorf("only traffic before %v: %q", at, rows)
		}
	}
}

// TestAccessNames: each attribute of TR-101 has a name in JSON.
func TestAccessNames(t *testing.T) {
	for n := range 256 {
		k := wire.LineAttribute(n)
		if (k.String() == "") != (accessNames[k] == "") {
			t.Errorf("attribute 0x%02x is %q, in JSON %q", n, k, accessNames[k])
		}
	}
}

// TestFilter: which sessions a filter selects.
func TestFilter(t *testing.T) {
	for filter, want := range map[string][]uint64{
		`{}`:                              {1, 2, 3},
		`{"id":2}`:                        {2},
		`{"user":"bob"}`:                  {2},
		`{"user":"b"}`:                    nil,
		`{"user":"*b*"}`:                  {2},
		`{"user":"*"}`:                    {1, 2, 3},
		`{"user":"al\u001bice"}`:          {1},
		`{"user":"al\\033ice"}`:           {1},
		`{"user":"al*ce"}`:                {1},
		`{"user":"bob*b"}`:                nil,
		`{"mac":"02-00-00-00-00-02"}`:     {2},
		`{"mac":"02:00:00"}`:              {1, 2, 3},
		`{"ip":"192.0.2.10"}`:             {1},
		`{"ip":"192.0.2.0/24"}`:           {1, 2},
		`{"ip":"2001:db8:1:3::9"}`:        {2},
		`{"ip":"198.51.100.3"}`:           {1},
		`{"ip":"192.0.2.1"}`:              nil,
		`{"vlan":"100"}`:                  {1},
		`{"vlan":"100.1-9"}`:              {2},
		`{"vlan":"untagged"}`:             {3},
		`{"vlan":"any"}`:                  {1, 2, 3},
		`{"interface":"eth1"}`:            {1, 2},
		`{"interface":"eth1.100"}`:        {1},
		`{"interface":"ppp2"}`:            {2},
		`{"circuit_id":"dslam1*"}`:        {1},
		`{"circuit_id":"dslam2*"}`:        nil,
		`{"remote_id":"*"}`:               {1},
		`{"state":"closing"}`:             {3},
		`{"state":"online","user":"bob"}`: {2},
	} {
		rows, result := ask(t, &Program{Server: sessions()}, "sessions "+filter)
		var ids []uint64
		for _, row := range rows {
			var s Session
			if err := json.Unmarshal([]byte(row), &s); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, s.ID)
		}
		if !result.Done || !slices.Equal(ids, want) {
			t.Errorf("%s selects %v, %+v; want %v", filter, ids, result, want)
		}
	}
	for filter, want := range map[string]string{
		`{"mac":"xx"}`: "mac ", `{"ip":"1.2.3"}`: "ip ", `{"vlan":"5000"}`: "vlan ", `{"nonsense":1}`: `unknown field "nonsense"`, `{`: "arguments of the request", `{"id":"x"}`: "arguments",
	} {
		if rows, result := ask(t, &Program{Server: sessions()}, "sessions "+filter); result.Code != CodeInvalid || !strings.Contains(result.Error, want) || len(rows) > 0 {
			t.Errorf("%s: %+v", filter, result)
		}
	}
}

// nas makes Acct-Session-Ids.
var nas = &radius.NAS{Started: time.Unix(0x6a000000, 0)}

// TestAcctSessionID: an Acct-Session-Id selects one session, if it is of this run of the server; none
// selects all.
func TestAcctSessionID(t *testing.T) {
	for filter, want := range map[string]uint64{
		`{"acct_session_id":"6a00000000000002"}`:              2,
		`{"acct_session_id":"6A00000000000002"}`:              2,
		`{"acct_session_id":"6a00000000000002","id":2}`:       2,
		`{"acct_session_id":"6a00000000000002","id":1}`:       0,
		`{"acct_session_id":"6a00000000000002","user":"bob"}`: 2,
		`{"acct_session_id":"6a00000000000002","user":"x"}`:   0,
		`{"acct_session_id":"6a00000000000009"}`:              0,
		`{"acct_session_id":"6a00000000000000"}`:              0,
		`{"acct_session_id":"6a00000100000002"}`:              0,
		`{"acct_session_id":"2"}`:                             0,
	} {
		server := sessions()
		_, result := ask(t, &Program{Server: server, NAS: nas}, "disconnect "+filter)
		var calls []string
		code := CodeNoSession
		if want != 0 {
			calls, code = []string{fmt.Sprintf("%d 0 user-request disconnected by the operator", want)}, ""
		}
		if !slices.Equal(server.calls, calls) || result.Code != code {
			t.Errorf("%s: %q, %+v", filter, server.calls, result)
		}
	}
	_, result := ask(t, &Program{Server: sessions()}, `sessions {"acct_session_id":"6a00000000000002"}`)
	if result.Code != CodeInvalid || !strings.Contains(result.Error, "no RADIUS") {
		t.Errorf("without RADIUS: %+v", result)
	}
}

// TestChanges: disconnect and update change one session, or all that match if that is wanted.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		request string
		calls   []string
		want    Result
	}{
		{`disconnect {"user":"bob"}`, []string{"2 0 user-request disconnected by the operator"}, Result{Done: true, Count: 1}},
		{`disconnect {"user":"bob","hard":true,"reason":"maintenance"}`, []string{"2 1 user-request maintenance"}, Result{Done: true, Count: 1}},
		{`disconnect {"user":"carol"}`, nil, Result{Code: CodeNoSession}},
		{`disconnect {"vlan":"100,100.5"}`, nil, Result{Code: CodeAmbiguous, Matches: []string{`id 1: 02:00:00:00:00:01 on eth1.100, user al\033ice, 192.0.2.10`, "id 2: 02:00:00:00:00:02 on eth1.100.5, user bob, 192.0.2.11"}}},
		{`disconnect {"interface":"eth1","all":true}`, []string{"1 0 user-request disconnected by the operator", "2 0 user-request disconnected by the operator"}, Result{Done: true, Count: 2}},
		{`disconnect {}`, nil, Result{Code: CodeInvalid}},
		{`disconnect`, nil, Result{Code: CodeInvalid}},
		{`disconnect {"ip":"x"}`, nil, Result{Code: CodeInvalid}},
		{`disconnect {"all":true,"hard":true,"reason":"x"}`, []string{"1 1 user-request x", "2 1 user-request x", "3 1 user-request x"}, Result{Done: true, Count: 3}},
		{`update {"id":1,"rate_up":20000}`, []string{"1 {20000000 1ns} {2000 2ns} 7"}, Result{Done: true, Count: 1}},
		{`update {"id":1,"rate_up":0,"rate_down":5,"burst":100}`, []string{"1 {0 100ms} {5000 100ms} 7"}, Result{Done: true, Count: 1}},
		{`update {"id":1}`, nil, Result{Code: CodeInvalid}},
		{`update {"id":1,"burst":0}`, nil, Result{Code: CodeInvalid}},
		{`update {"id":1,"rate_up":18446744073709551615}`, nil, Result{Code: CodeInvalid}},
		{`update {"rate_up":1}`, nil, Result{Code: CodeInvalid}},
	} {
		server := sessions()
		_, got := ask(t, &Program{Server: server}, c.request)
		if (got.Error == "") != got.Done {
			t.Errorf("%s: %+v", c.request, got)
		}
		got.Error = ""
		if !slices.Equal(server.calls, c.calls) || !slices.Equal(got.Matches, c.want.Matches) || got.Done != c.want.Done || got.Count != c.want.Count || got.Code != c.want.Code {
			t.Errorf("%s: %q, %+v; want %q, %+v", c.request, server.calls, got, c.calls, c.want)
		}
	}
	server := sessions()
	server.gone = 1
	if _, got := ask(t, &Program{Server: server}, `disconnect {"all":true}`); !got.Done || got.Count != 2 {
		t.Errorf("with one that has ended meanwhile: %+v", got)
	}
}

// TestProgram: drain, reload, pools, stats and status.
func TestProgram(t *testing.T) {
	server := sessions()
	p := &Program{
		Server: server, Info: Info{ACName: "ac", Interfaces: []string{"eth1"}},
		Reload: func() ([]string, error) { return []string{"option datapath takes effect later"}, nil },
		Pools: func() []Pool {
			return []Pool{{Name: "default", Family: "ipv4", Range: "192.0.2.10-192.0.2.73", Size: 64, Used: 2, Free: 62, Reserved: 1, Refused: 4}}
		},
	}
	state := func() string {
		var s Status
		if err := json.Unmarshal(p.Status(), &s); err != nil {
			t.Fatal(err)
		}
		if s.ACName != "ac" || s.Sessions != 2 || s.Online != 1 || s.HalfOpen != 1 || s.MaxSessions != 8 || s.PID == 0 {
			t.Errorf("the status is %+v", s)
		}
		return s.State
	}
	for request, want := range map[string]string{"drain": Draining, "undrain": Serving} {
		if _, result := ask(t, p, request); !result.Done || state() != want {
			t.Errorf("%s: %+v, %s", request, result, state())
		}
	}
	if _, result := ask(t, p, "reload"); !result.Done || len(result.Warnings) != 1 {
		t.Errorf("reload: %+v", result)
	}
	p.Reload = func() ([]string, error) { return nil, errors.New("options:3: unknown option") }
	if _, result := ask(t, p, "reload"); result.Code != CodeRefused || result.Error != "options:3: unknown option" {
		t.Errorf("a refused reload: %+v", result)
	}
	if rows, _ := ask(t, p, "pools"); len(rows) != 1 || rows[0] != `{"name":"default","family":"ipv4","range":"192.0.2.10-192.0.2.73","size":64,"used":2,"free":62,"reserved":1,"refused":4}` {
		t.Errorf("pools: %q", rows)
	}
	const want = `{"sessions":2,"online":1,"half_open":1,"max_sessions":8,"established":5,"opened":4,"failed":{"peer-not-authenticated":1},"ended":{"hangup":3},"auth_accepted":0,"auth_rejected":0,` +
		`"received":{"padi":9,"padt":0},"sent":{"padt":0},"drops":{"pppoe: VLAN is not served":2},"queues":[{"interface":"eth1","discovery":0,"control":3,"capacity":4096}]}`
	if rows, _ := ask(t, p, "stats"); len(rows) != 1 || rows[0] != want {
		t.Errorf("stats:\n%q\nwant\n%s", rows, want)
	}
}
