package coa

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/vendors/wispr"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

var (
	secret = []byte("secret")
	client = netip.MustParseAddrPort("192.0.2.1:40000")
	nas    = &radius.NAS{Identifier: "bng1", IPv4: netip.MustParseAddr("192.0.2.254"), Started: time.Unix(1e9, 0)}
)

// sessions are Sessions in memory.
type sessions struct {
	all          []pppoe.SessionStatus
	disconnected []uint64
}

func (s *sessions) Sessions() iter.Seq[pppoe.SessionStatus] { return slices.Values(s.all) }

func (s *sessions) find(key pppoe.SessionKey) *pppoe.SessionStatus {
	for i := range s.all {
		if s.all[i].Key() == key {
			return &s.all[i]
		}
	}
	return nil
}

func (s *sessions) Lookup(generation uint64) (pppoe.SessionKey, bool) {
	for _, one := range s.all {
		if one.Generation == generation {
			return one.Key(), true
		}
	}
	return pppoe.SessionKey{}, false
}

func (s *sessions) Session(key pppoe.SessionKey) (pppoe.SessionStatus, error) {
	if one := s.find(key); one != nil {
		return *one, nil
	}
	return pppoe.SessionStatus{}, pppoe.ErrNoSession
}

func (s *sessions) ChangePolicy(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	one := s.find(key)
	if one == nil {
		return pppoe.ErrNoSession
	}
	changed := *one.Policy
	change(&changed)
	one.Policy = &changed
	return nil
}

func (s *sessions) Disconnect(key pppoe.SessionKey, _ pppoe.DisconnectMode, _ session.Reason) error {
	if s.find(key) == nil {
		return pppoe.ErrNoSession
	}
	s.disconnected = append(s.disconnected, key.Generation)
	return nil
}

func newServer(t *testing.T) (*Server, *sessions) {
	t.Helper()
	all := &sessions{}
	for g, user := range map[uint64]string{1: "alice", 2: "bob", 3: "bob"} {
		all.all = append(all.all, pppoe.SessionStatus{
			SessionInfo: pppoe.SessionInfo{Interface: "eth1.10", Generation: g, SessionID: uint16(g), User: user, Unit: int(g), Peer: wire.Addr{2, 0, 0, 0, 0, byte(g)}, ACName: "ac"},
			Addressing:  pppoe.Addressing{IPv4: ipcp.Agreement{Remote: netip.AddrFrom4([4]byte{10, 0, 0, byte(g)})}},
			Policy:      &pppoe.SessionPolicy{Up: datapath.Rate{Bits: 1}, Down: datapath.Rate{Bits: 1}, FilterID: "old", FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}},
		})
	}
	s, err := New(Config{Rules: Rules{Clients: []Client{{netip.MustParsePrefix("192.0.2.0/30"), secret}}, Policies: &radius.Policies{}}, NAS: nas, Sessions: all})
	if err != nil {
		t.Fatal(err)
	}
	return s, all
}

// request encodes a request.
func request(code layeh.Code, change func(*layeh.Packet)) []byte {
	p := layeh.New(code, secret)
	change(p)
	b, err := p.Encode()
	if err != nil {
		panic(err)
	}
	return b
}

var now = time.Unix(2e9, 0)

func ask(t *testing.T, s *Server, b []byte) (layeh.Code, rfc3576.ErrorCause) {
	t.Helper()
	answer := s.receive(now, b, client)
	if answer == nil {
		return 0, 0
	}
	p, err := layeh.Parse(answer, secret)
	if err != nil || !layeh.IsAuthenticResponse(answer, b, secret) {
		t.Fatalf("answer %x: %v", answer, err)
	}
	if p.Attributes[0].Type != rfc2869.MessageAuthenticator_Type {
		t.Errorf("the first attribute is %d", p.Attributes[0].Type)
	}
	return p.Code, rfc3576.ErrorCause_Get(p)
}

// TestRequests: which sessions a request changes or ends, and why one is refused.
func TestRequests(t *testing.T) {
	id := func(g uint64) func(*layeh.Packet) {
		return func(p *layeh.Packet) { rfc2866.AcctSessionID_SetString(p, nas.SessionID(g)) }
	}
	rate := func(p *layeh.Packet) { wispr.WISPrBandwidthMaxUp_Set(p, 7000) }
	const coa, disconnect = layeh.CodeCoARequest, layeh.CodeDisconnectRequest
	for name, c := range map[string]struct {
		code    layeh.Code
		add     []func(*layeh.Packet)
		cause   rfc3576.ErrorCause // 0: ACK
		changed []uint64
	}{
		"rate":         {coa, []func(*layeh.Packet){id(1), rate}, 0, []uint64{1}},
		"by user, two": {coa, []func(*layeh.Packet){func(p *layeh.Packet) { rfc2865.UserName_SetString(p, "bob") }, rate}, 0, []uint64{2, 3}},
		"by address":   {coa, []func(*layeh.Packet){func(p *layeh.Packet) { rfc2865.FramedIPAddress_Set(p, net.IPv4(10, 0, 0, 3)) }, rate}, 0, []uint64{3}},
		"by MAC":       {coa, []func(*layeh.Packet){func(p *layeh.Packet) { rfc2865.CallingStationID_SetString(p, "0200.0000.0002") }, rate}, 0, []uint64{2}},
		"by port, user": {coa, []func(*layeh.Packet){func(p *layeh.Packet) {
			rfc2869.NASPortID_SetString(p, "eth1.10")
			rfc2865.UserName_SetString(p, "alice")
		}, rate}, 0, []uint64{1}},
		"they disagree":         {coa, []func(*layeh.Packet){id(1), func(p *layeh.Packet) { rfc2865.UserName_SetString(p, "bob") }, rate}, 503, nil},
		"our NAS":               {coa, []func(*layeh.Packet){id(1), rate, func(p *layeh.Packet) { rfc2865.NASIdentifier_SetString(p, "bng1") }}, 0, []uint64{1}},
		"another NAS":           {coa, []func(*layeh.Packet){id(1), rate, func(p *layeh.Packet) { rfc2865.NASIPAddress_Set(p, net.IPv4(9, 9, 9, 9)) }}, 403, nil},
		"nobody":                {coa, []func(*layeh.Packet){rate}, 402, nil},
		"nothing":               {coa, []func(*layeh.Packet){id(1)}, 402, nil},
		"no such session":       {coa, []func(*layeh.Packet){id(9), rate}, 503, nil},
		"a user without a name": {disconnect, []func(*layeh.Packet){func(p *layeh.Packet) { p.Add(rfc2865.UserName_Type, nil) }}, 407, nil},
		"another run":           {coa, []func(*layeh.Packet){func(p *layeh.Packet) { rfc2866.AcctSessionID_SetString(p, "000000010000000000000001") }, rate}, 503, nil},
		"address pool":          {coa, []func(*layeh.Packet){id(1), func(p *layeh.Packet) { rfc2869.FramedPool_SetString(p, "x") }}, 401, nil},
		"unknown attribute":     {coa, []func(*layeh.Packet){id(1), rate, func(p *layeh.Packet) { p.Add(200, []byte{1}) }}, 401, nil},
		"wrong value":           {coa, []func(*layeh.Packet){id(1), func(p *layeh.Packet) { p.Add(27, []byte{1}) }}, 407, nil},
		"authorize only":        {coa, []func(*layeh.Packet){id(1), func(p *layeh.Packet) { rfc2865.ServiceType_Set(p, 17) }}, 405, nil},
		"end":                   {disconnect, []func(*layeh.Packet){id(2)}, 0, []uint64{2}},
		"end two":               {disconnect, []func(*layeh.Packet){func(p *layeh.Packet) { rfc2865.UserName_SetString(p, "bob") }}, 0, []uint64{2, 3}},
		"end and change":        {disconnect, []func(*layeh.Packet){id(2), rate}, 401, nil},
		"end nobody":            {disconnect, []func(*layeh.Packet){id(7)}, 503, nil},
		"end by service type":   {disconnect, []func(*layeh.Packet){id(2), func(p *layeh.Packet) { rfc2865.ServiceType_Set(p, 2) }}, 405, nil},
	} {
		s, all := newServer(t)
		code, cause := ask(t, s, request(c.code, func(p *layeh.Packet) {
			for _, add := range c.add {
				add(p)
			}
		}))
		ack := code == layeh.CodeCoAACK || code == layeh.CodeDisconnectACK
		if code == 0 || cause != c.cause || ack != (c.cause == 0) {
			t.Errorf("%s: %v, %v", name, code, cause)
		}
		changed := all.disconnected
		for _, one := range all.all {
			if one.Policy.Up.Bits == 7000 {
				changed = append(changed, one.Generation)
			}
			if one.Policy.Down.Bits != 1 || one.Policy.FilterID != "old" || len(one.Policy.FramedRoutes) != 1 {
				t.Errorf("%s: also changed %+v", name, one.Policy)
			}
		}
		if slices.Sort(changed); !slices.Equal(changed, c.changed) {
			t.Errorf("%s: changed %v, want %v", name, changed, c.changed)
		}
	}
}

// TestClaim: policies change once what they have is claimed for all sessions, which is settled then; if it cannot be claimed for one,
// or it has another policy by then, the request is refused, and what was claimed is given back.
func TestClaim(t *testing.T) {
	byUser := request(layeh.CodeCoARequest, func(p *layeh.Packet) {
		rfc2865.UserName_SetString(p, "bob")
		rfc2865.FramedRoute_SetString(p, "203.0.113.0/29")
	})
	for name, c := range map[string]struct {
		refused    int // the number of the claim that is refused
		otherwise  error
		cause      rfc3576.ErrorCause
		done, back int
	}{
		"claimed":        {0, nil, 0, 2, 0},
		"first refused":  {1, nil, 506, 0, 0},
		"second refused": {2, nil, 506, 0, 1},
		"both ended":     {0, pppoe.ErrNoSession, 503, 0, 2},
		"other policies": {0, errors.New("another policy"), 506, 0, 2},
	} {
		s, all := newServer(t)
		var claims, done, back int
		s.cfg.Sessions = refusing{all, c.otherwise}
		s.cfg.Claim = func(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) (func(bool), error) {
			p := *all.find(key).Policy
			if change(&p); p.FramedRoutes[0].String() != "203.0.113.0/29" {
				t.Errorf("%s: the policy is to be %+v", name, p)
			}
			if claims++; claims == c.refused {
				return nil, errors.New("another machine has it")
			}
			return func(changed bool) {
				if changed {
					done++
				} else {
					back++
				}
			}, nil
		}
		_, cause := ask(t, s, byUser)
		changed := 0
		for _, one := range all.all {
			if one.Policy.FramedRoutes[0].String() == "203.0.113.0/29" {
				changed++
			}
		}
		if cause != c.cause || done != c.done || back != c.back || changed != c.done {
			t.Errorf("%s: error cause %v, %d claims settled, %d given back, %d policies changed", name, cause, done, back, changed)
		}
	}
}

// refusing are sessions whose policies do not change, if there is an error.
type refusing struct {
	*sessions
	err error
}

func (r refusing) ChangePolicy(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	if r.err != nil {
		return r.err
	}
	return r.sessions.ChangePolicy(key, change)
}

// TestDrops: what is not from a client, not of now, or not for the first time, is dropped and counted; a
// retransmission gets the same answer and changes nothing.
func TestDrops(t *testing.T) {
	s, all := newServer(t)
	end := func(change func(*layeh.Packet)) []byte {
		return request(layeh.CodeDisconnectRequest, func(p *layeh.Packet) {
			rfc2866.AcctSessionID_SetString(p, nas.SessionID(1))
			p.Add(rfc2865.ProxyState_Type, []byte{1})
			p.Add(rfc2865.ProxyState_Type, []byte{2})
			change(p)
		})
	}
	at := func(when time.Time) func(*layeh.Packet) {
		return func(p *layeh.Packet) { rfc2869.EventTimestamp_Set(p, when) }
	}
	good := end(at(now))
	drop := func(what string, b []byte, from netip.AddrPort, why error) {
		t.Helper()
		before := s.Stats().Drops[why]
		if answer := s.receive(now, b, from); answer != nil || s.Stats().Drops[why] != before+1 {
			t.Errorf("%s: answer %x, drops %v", what, answer, s.Stats().Drops)
		}
	}
	drop("from another address", good, netip.MustParseAddrPort("192.0.2.4:40000"), ErrClient)
	wrong := slices.Clone(good)
	wrong[4]++
	drop("a wrong authenticator", wrong, client, radius.ErrAuthenticator)
	drop("a cut request", good[:len(good)-1], client, radius.ErrLength)
	drop("an Access-Request", append([]byte{1}, good[1:]...), client, radius.ErrCode)
	drop("an old one", end(at(now.Add(-6*time.Minute))), client, ErrOld)
	drop("one of the future", end(at(now.Add(6*time.Minute))), client, ErrOld)
	drop("a wrong Message-Authenticator", end(func(p *layeh.Packet) { rfc2869.MessageAuthenticator_Set(p, make([]byte, md5.Size)) }), client, radius.ErrMessageAuthenticator)
	if len(all.disconnected) != 0 {
		t.Fatalf("ended %v", all.disconnected)
	}
	first := s.receive(now, good, client)
	p, err := layeh.Parse(first, secret)
	if err != nil || p.Code != layeh.CodeDisconnectACK || binary.BigEndian.Uint16(first[2:]) != uint16(len(first)) {
		t.Fatalf("%x: %v", first, err)
	}
	if states, _ := rfc2865.ProxyState_Gets(p); len(states) != 2 || states[0][0] != 1 {
		t.Errorf("Proxy-State %v", states)
	}
	if again := s.receive(now.Add(time.Second), good, client); string(again) != string(first) || s.Stats().Repeated != 1 {
		t.Errorf("a retransmission: %x", again)
	}
	drop("a replay", good, netip.MustParseAddrPort("192.0.2.1:40001"), ErrReplayed)
	if len(all.disconnected) != 1 {
		t.Errorf("ended %v", all.disconnected)
	}
	rules := s.rules.Load()
	rules.RequireMessageAuthenticator, rules.RequireTimestamp = true, true
	drop("no Message-Authenticator", end(at(now)), client, radius.ErrNoMessageAuthenticator)
	rules.RequireMessageAuthenticator = false
	drop("no Event-Timestamp", end(func(*layeh.Packet) {}), client, ErrNoTimestamp)
}

// TestRemembered: what is remembered of requests is bounded, by number and time.
func TestRemembered(t *testing.T) {
	var a answered
	for i := range 2 * maxAnswered {
		a.add(now, [16]byte{byte(i), byte(i >> 8), byte(i >> 16)}, client, nil)
	}
	if len(a.by) != maxAnswered || len(a.order) != maxAnswered {
		t.Errorf("%d, %d", len(a.by), len(a.order))
	}
	if a.find(now.Add(time.Second), [16]byte{}); len(a.by) != 0 {
		t.Errorf("%d are old", len(a.by))
	}
}

// TestConfigErrors: the error names the field.
func TestConfigErrors(t *testing.T) {
	for _, c := range []Config{{}, {Rules: Rules{Clients: []Client{{netip.MustParsePrefix("192.0.2.0/30"), nil}}}}} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
	}
}

// TestRadclient: FreeRADIUS's radclient changes and ends sessions, with and without
// Message-Authenticator.
func TestRadclient(t *testing.T) {
	roottest.NeedPrograms(t, "/usr/bin/radclient")
	s, all := newServer(t)
	s.rules.Load().Clients = []Client{{netip.MustParsePrefix("127.0.0.1/32"), secret}}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	// Ends with the socket.
	go func() { s.Serve(conn); close(served) }()
	radclient := func(command, attributes string) string {
		c := exec.Command("/usr/bin/radclient", "-x", "-t", "5", "-r", "2", conn.LocalAddr().String(), command, string(secret))
		c.Stdin = strings.NewReader(attributes + fmt.Sprintf(", Event-Timestamp = %d\n", time.Now().Unix()))
		out, _ := c.CombinedOutput()
		return string(out)
	}
	id := fmt.Sprintf("Acct-Session-Id = %q", nas.SessionID(1))
	for _, c := range []struct{ command, attributes, want string }{
		{"coa", id + `, Mikrotik-Rate-Limit = "3M/4M", Session-Timeout = 600, Message-Authenticator = 0x00`, "Received CoA-ACK"},
		{"coa", id + `, Framed-Pool = "x"`, "Error-Cause = Unsupported-Attribute"},
		{"coa", `User-Name = "nobody", Session-Timeout = 600`, "Error-Cause = Session-Context-Not-Found"},
		{"disconnect", `User-Name = "alice"`, "Received Disconnect-ACK"},
	} {
		if out := radclient(c.command, c.attributes); !strings.Contains(out, c.want) {
			t.Errorf("%s %s: want %q in\n%s", c.command, c.attributes, c.want, out)
		}
	}
	conn.Close()
	<-served
	key, _ := all.Lookup(1)
	if p := all.find(key).Policy; p.Up.Bits != 3e6 || p.Down.Bits != 4e6 || p.Limits == nil || p.Limits.SessionTimeout != 10*time.Minute {
		t.Errorf("%+v", p)
	}
	if !slices.Equal(all.disconnected, []uint64{1}) {
		t.Errorf("ended %v", all.disconnected)
	}
}

// TestReplaceRules: another secret and other policies apply to the next request, the counters go on, and
// wrong rules change nothing.
func TestReplaceRules(t *testing.T) {
	s, all := newServer(t)
	prefix := netip.MustParsePrefix("192.0.2.0/30")
	for _, bad := range []Rules{{}, {Clients: []Client{{prefix, nil}}}} {
		if _, err := s.Prepare(bad); !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
	}
	end := request(layeh.CodeDisconnectRequest, func(p *layeh.Packet) { rfc2866.AcctSessionID_SetString(p, nas.SessionID(1)) })
	replace, err := s.Prepare(Rules{Clients: []Client{{prefix, []byte("another")}}, Policies: &radius.Policies{}})
	if err != nil {
		t.Fatal(err)
	}
	replace()
	if answer := s.receive(now, end, client); answer != nil {
		t.Error("a request with the old secret is answered")
	}
	replace, err = s.Prepare(Rules{Clients: []Client{{prefix, secret}}, Policies: &radius.Policies{}})
	if err != nil {
		t.Fatal(err)
	}
	replace()
	if answer := s.receive(now, end, client); answer == nil || s.Stats().ACKs != 1 || len(s.Stats().Drops) != 1 {
		t.Errorf("answer %x, %+v; sessions %v", answer, s.Stats(), all)
	}
}
