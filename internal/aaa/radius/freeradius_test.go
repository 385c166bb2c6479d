package radius_test

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/internal/aaa/radius"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
	"upppoe/test/freeradius"
)

const users = `
alice Cleartext-Password := "her password"
	Framed-IP-Address = 192.0.2.7,
	Framed-Route = "198.51.100.0/29 0.0.0.0 1",
	Framed-Route += "203.0.113.9/32",
	Framed-IPv6-Prefix = 2001:db8:1:2::/64,
	Delegated-IPv6-Prefix = 2001:db8:100::/56,
	Framed-IPv6-Address = 2001:db8::7,
	Framed-Interface-Id = 0:0:0:7,
	DNS-Server-IPv6-Address = 2001:db8::53,
	Framed-IPv6-Pool = "net", Framed-Pool = "four", Delegated-IPv6-Prefix-Pool = "pd",
	MS-Primary-DNS-Server = 192.0.2.53,
	Framed-MTU = 1400, Session-Timeout = 3600, Idle-Timeout = 60, Acct-Interim-Interval = 300,
	Mikrotik-Rate-Limit = "10M/50M",
	Class = 0x0102, Class += 0x03,
	Filter-Id = "gold", Reply-Message = "Hello"

bob Cleartext-Password := "his password"
	WISPr-Bandwidth-Max-Up = 1000000, WISPr-Bandwidth-Max-Down = 2000000,
	Framed-IP-Address = 255.255.255.254

wrong Cleartext-Password := "p"
	Framed-IP-Address = 127.0.0.1

DEFAULT Auth-Type := Reject
	Reply-Message = "No such account"
`

func newAuthenticator(t *testing.T, s *freeradius.Server) (*radius.Authenticator, *radius.Client) {
	t.Helper()
	client, err := radius.NewClient(radius.ClientConfig{Servers: []radius.Server{{Addr: s.Auth, Secret: []byte(freeradius.Secret)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	nas := &radius.NAS{Identifier: "bng1", IPv4: netip.MustParseAddr("127.0.0.1"), Started: time.Unix(1e9, 0)}
	return radius.NewAuthenticator(radius.Config{NAS: nas}, client), client
}

var info = pppoe.SessionInfo{Interface: "eth1.100", SessionID: 1, Peer: wire.Addr{2, 0, 0, 0, 0, 0x5e}, Generation: 7, Unit: 3, ACName: "ac", Service: "gold"}

// responses are a user's answers by all methods, as the peers' sides make them.
func responses(name, password string) map[string]ppp.AuthResponse {
	challenge := bytes.Repeat([]byte{5}, 16)
	md5 := chap.MD5Response{ID: 3, Challenge: challenge, Name: name}
	md5.Response = chap.MD5Hash(3, []byte(password), challenge)
	return map[string]ppp.AuthResponse{
		"PAP":       pap.Credential{Name: name, Password: pap.Password(password)},
		"CHAP":      md5,
		"MS-CHAPv2": msv2(name, password),
	}
}

// msv2 returns a peer's response by MS-CHAPv2: that of our own peer's side.
func msv2(name, password string) ppp.AuthResponse {
	var q ppp.Queue
	now := time.Unix(0, 0)
	authenticator := chap.MSv2.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac"})
	peer := chap.MSv2.NewPeer(ppp.Credentials{Name: name, Secret: func(string) ([]byte, bool) { return []byte(password), true }})
	authenticator.Start(now, &q)
	for frame := range q.All() {
		c, _ := ppp.ParseControl(frame[2:])
		q.Reset()
		peer.Receive(now, c, &q)
		break
	}
	for frame := range q.All() {
		c, _ := ppp.ParseControl(frame[2:])
		step, _ := authenticator.Receive(now, c, &q)
		return step.Response
	}
	return nil
}

// TestAgainstFreeRADIUS: all methods are accepted with the right password and no other, and all
// attributes of an answer are read.
func TestAgainstFreeRADIUS(t *testing.T) {
	server := freeradius.Start(t, freeradius.Options{Users: users})
	a, client := newAuthenticator(t, server)
	for method, r := range responses("alice", "her password") {
		got := a.Authenticate(context.Background(), info, r)
		if !got.Accepted {
			t.Errorf("%s: rejected: %+v", method, got)
			continue
		}
		p := got.Policy
		if got.Address != netip.MustParseAddr("192.0.2.7") || len(p.FramedRoutes) != 2 || p.FramedRoutes[0] != netip.MustParsePrefix("198.51.100.0/29") ||
			p.IPv6Prefix != netip.MustParsePrefix("2001:db8:1:2::/64") || p.DelegatedPrefix != netip.MustParsePrefix("2001:db8:100::/56") ||
			p.IPv6Address != netip.MustParseAddr("2001:db8::7") || p.InterfaceID != [8]byte{7: 7} || len(p.IPv6DNS) != 1 ||
			p.IPv6Pool != "net" || p.AddressPool != "four" || p.DelegatedPool != "pd" || p.DNS[0] != netip.MustParseAddr("192.0.2.53") ||
			p.MTU != 1400 || p.Limits.SessionTimeout != time.Hour || p.Limits.IdleTimeout != time.Minute || p.InterimInterval != 5*time.Minute ||
			p.Up.Bits != 10e6 || p.Down.Bits != 50e6 || len(p.Class) != 2 || p.FilterID != "gold" {
			t.Errorf("%s: %+v", method, *p)
		}
		if want := map[string]string{"MS-CHAPv2": "S="}[method]; !strings.HasPrefix(got.Message, want) || want == "" && got.Message != "Hello" {
			t.Errorf("%s: message %q", method, got.Message)
		}
		if ok, secret := method == "MS-CHAPv2", []byte("her password"); ok {
			if message, _ := r.Verify(secret); message != got.Message {
				t.Errorf("authenticator response %q, want %q", got.Message, message)
			}
		}
	}
	for method, r := range responses("alice", "another password") {
		if got := a.Authenticate(context.Background(), info, r); got.Accepted || got.Policy != nil {
			t.Errorf("%s: a wrong password is accepted", method)
		}
	}
	if got := a.Authenticate(context.Background(), info, responses("nobody", "p")["PAP"]); got.Accepted || got.Message != "No such account" {
		t.Errorf("an unknown user: %+v", got)
	}
	if got := a.Authenticate(context.Background(), info, responses("wrong", "p")["CHAP"]); got.Accepted || !strings.Contains(got.Reason, "Framed-IP-Address") {
		t.Errorf("a wrong attribute: %+v", got)
	}
	if got := a.Authenticate(context.Background(), info, responses("bob", "his password")["CHAP"]); !got.Accepted || got.Address.IsValid() || got.Policy.Down.Bits != 2e6 {
		t.Errorf("bob: %+v", got)
	}
	if s := client.Stats().Servers[0]; s.Answers != s.Requests || s.Retransmitted != 0 || len(s.Drops) != 0 {
		t.Errorf("counters: %+v", s)
	}
}

// TestEAPAgainstFreeRADIUS: a peer's EAP is relayed to the server, whose method is MD5 here, and the
// server's answers to the peer.
func TestEAPAgainstFreeRADIUS(t *testing.T) {
	server := freeradius.Start(t, freeradius.Options{Users: users})
	a, _ := newAuthenticator(t, server)
	for password, want := range map[string]ppp.Outcome{"her password": ppp.Succeeded, "another": ppp.Failed} {
		var q ppp.Queue
		now := time.Now()
		authenticator := eap.PassThrough.NewAuthenticator(ppp.AuthenticatorConfig{})
		peer := eap.PassThrough.NewPeer(ppp.Credentials{Name: "alice", Secret: func(string) ([]byte, bool) { return []byte(password), true }})
		authenticator.Start(now, &q)
		next := func() ppp.Control {
			for frame := range q.All() {
				c, err := ppp.ParseControl(bytes.Clone(frame[2:]))
				if err != nil {
					t.Fatal(err)
				}
				q.Reset()
				return c
			}
			t.Fatal("nothing was sent")
			return ppp.Control{}
		}
		var result pppoe.AuthResult
		step := ppp.Step{}
		for rounds := 0; step.Outcome != ppp.Succeeded && step.Outcome != ppp.Failed; rounds++ {
			if _, err := peer.Receive(now, next(), &q); err != nil || rounds > 5 {
				t.Fatalf("round %d: %v", rounds, err)
			}
			got, err := authenticator.Receive(now, next(), &q)
			if err != nil || got.Outcome != ppp.AwaitingResult {
				t.Fatalf("%+v, %v", got, err)
			}
			result = a.Authenticate(context.Background(), info, got.Response)
			step = authenticator.SetResult(now, result.AuthResult, &q)
		}
		if step.Outcome != want || want == ppp.Succeeded && result.Policy.FilterID != "gold" {
			t.Errorf("%s: %+v, %+v", password, step, result)
		}
		if end, err := peer.Receive(now, next(), &q); err != nil || end.Outcome != want {
			t.Errorf("%s: the peer: %+v, %v", password, end, err)
		}
	}
}
