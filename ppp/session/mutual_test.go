package session_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
)

// mutualServer configures a server that authenticates itself to a client that requires it.
func mutualServer(m ppp.Method) session.Config {
	c := server(m)
	c.LCP.AllowAuth = []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}
	c.Credentials = ppp.Credentials{Name: "ac", Secret: func(string) ([]byte, bool) { return nil, false }}
	c.PeerAuthFirst, c.ChallengeKey = true, []byte("key")
	return c
}

// TestServerAuthenticates: by each method, after the client has been authenticated, with the secret
// shared with it. Otherwise neither side reaches the network phase.
func TestServerAuthenticates(t *testing.T) {
	for _, m := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
		for _, by := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
			for _, c := range []struct {
				what              string
				secret, cleartext string // of the AuthResult
				accepted          bool
				want              session.Cause // at the client; Unknown: the session opens
			}{
				{"its secrets", "secret of ac", "clear of ac", true, session.CauseUnknown},
				{"wrong secrets", "another", "another", true, session.CausePeerNotAuthenticated},
				{"no secrets", "", "", true, session.CausePeerTerminated},
				{"a client that is rejected", "secret of ac", "clear of ac", false, session.CauseNotAuthenticated},
			} {
				mutualClient := client()
				mutualClient.Name, mutualClient.LCP.RequireAuth = "testuser", []ppp.Method{by}
				p := newPair(t, mutualClient, mutualServer(m))
				p.side[0].authenticate = func(response ppp.AuthResponse) ppp.AuthResult {
					want := "secret of ac"
					if by == pap.Method {
						want = "clear of ac"
					}
					message, ok := response.Verify([]byte(want))
					return ppp.AuthResult{Accepted: ok && response.User() == "ac", Message: message}
				}
				p.side[1].authenticate = func(response ppp.AuthResponse) ppp.AuthResult {
					message, _ := response.Verify([]byte("testpassword"))
					return ppp.AuthResult{Accepted: c.accepted, Message: message, Secret: []byte(c.secret), CleartextSecret: []byte(c.cleartext)}
				}
				p.up()
				if c.want == session.CauseUnknown {
					if p.side[0].Phase() != session.PhaseNetwork || p.side[1].Phase() != session.PhaseNetwork {
						t.Errorf("%v by %v, %s: phases %v and %v:\n%s", m, by, c.what, p.side[0].Phase(), p.side[1].Phase(), &p.log)
					}
					continue
				}
				p.pass(time.Minute)
				if got := p.side[0].cause(); got != c.want || count[session.NetworkPhase](p.side[0]) > 0 || count[session.NetworkPhase](p.side[1]) > 0 {
					t.Errorf("%v by %v, %s: ended by %v, want %v:\n%s", m, by, c.what, got, c.want, &p.log)
				}
			}
		}
	}
}

func count[E session.Event](s *side) (n int) {
	for _, e := range s.events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// silentMethod is a method that sends no packets: the test sends them.
type silentMethod struct{ ppp.Method }

func (m silentMethod) NewAuthenticator(ppp.AuthenticatorConfig) ppp.Authenticator {
	return silentExchange{m.Method}
}
func (m silentMethod) NewPeer(ppp.Credentials) ppp.AuthExchange { return silentExchange{m.Method} }

type silentExchange struct{ method ppp.Method }

func (s silentExchange) Protocol() ppp.Protocol {
	return ppp.Protocol(binary.BigEndian.Uint16(s.method.Option()))
}
func (silentExchange) Start(time.Time, *ppp.Queue) {}
func (silentExchange) Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Step, error) {
	return ppp.Step{}, nil
}
func (silentExchange) Advance(time.Time, *ppp.Queue) ppp.Step                   { return ppp.Step{} }
func (silentExchange) Deadline() time.Time                                      { return time.Time{} }
func (silentExchange) SetResult(time.Time, ppp.AuthResult, *ppp.Queue) ppp.Step { return ppp.Step{} }

// attacker is a client that records the server's authentication packets.
type attacker struct {
	*pair
	received []ppp.Control
}

func newAttacker(t *testing.T, c, s session.Config) *attacker {
	a := &attacker{pair: newPair(t, c, s)}
	a.side[1].authenticate = func(response ppp.AuthResponse) ppp.AuthResult {
		message, ok := response.Verify([]byte("shared")) // the server's own secret is the same
		return ppp.AuthResult{Accepted: ok, Message: message, Secret: []byte("shared")}
	}
	a.lose = func(from int, frame []byte) bool {
		if p, information, err := ppp.ParseFrame(frame); from == 1 && err == nil && (p == ppp.CHAP || p == ppp.EAP) {
			c, _ := ppp.ParseControl(slices.Clone(information))
			a.received = append(a.received, c)
		}
		return false
	}
	a.up()
	return a
}

// send sends a packet to the server.
func (a *attacker) send(p ppp.Protocol, c ppp.Control) {
	var q ppp.Queue
	q.Add(p, c)
	a.side[1].Receive(a.now, q.At(0), &a.side[1].out)
	a.pump()
}

// challenge returns the server's last challenge.
func (a *attacker) challenge(m ppp.Method) (id uint8, value []byte) {
	for _, c := range slices.Backward(a.received) {
		if m == eap.MD5 && c.Code == eap.Request && eap.Type(c.Data[0]) == eap.MD5Challenge {
			c.Data = c.Data[1:]
		} else if m == eap.MD5 || c.Code != chap.Challenge {
			continue
		}
		value, _, _ = chap.ParseValue(c.Data)
		return c.ID, value
	}
	return 0, nil
}

// requestResponse sends a challenge to the server, and returns its Response; nil: none.
func (a *attacker) requestResponse(m ppp.Method, id uint8, value []byte) []byte {
	a.received = nil
	data := chap.AppendValue(nil, value, "evil")
	if m == eap.MD5 {
		a.send(ppp.EAP, eap.Packet{Code: eap.Request, ID: id, Type: eap.MD5Challenge, Data: data}.Control())
	} else {
		a.send(ppp.CHAP, ppp.Control{Code: chap.Challenge, ID: id, Data: data})
	}
	for _, c := range a.received {
		switch {
		case m == eap.MD5 && c.Code == eap.Response && eap.Type(c.Data[0]) == eap.MD5Challenge:
			c.Data = c.Data[1:]
		case m == eap.MD5 || c.Code != chap.Response:
			continue
		}
		value, _, _ := chap.ParseValue(c.Data)
		return value
	}
	return nil
}

// TestNoReflection attacks a server that has one secret for both directions: the attacker, who wants
// to log in as alice, opens a second session and has the server compute the Response to its own
// challenge of the first. Each attack must succeed against a server without the countermeasure.
func TestNoReflection(t *testing.T) {
	for _, m := range []ppp.Method{chap.MD5, chap.MSv2, eap.MD5} {
		for _, c := range []struct {
			what string
			bob  bool // the attacker has an account of its own, with the same secret
			weak func(*session.Config)
		}{
			{"without an account", false, func(c *session.Config) { c.PeerAuthFirst, c.ChallengeKey = false, nil }},
			{"with an account", true, func(c *session.Config) { c.ChallengeKey = nil }},
		} {
			for _, weak := range []bool{true, false} {
				cfg := mutualServer(m)
				cfg.Credentials.Secret = func(string) ([]byte, bool) { return []byte("shared"), true }
				if weak {
					c.weak(&cfg)
				}
				first := client()
				first.LCP.AllowAuth = []ppp.Method{silentMethod{m}}
				victim := newAttacker(t, first, cfg)
				if m == eap.MD5 {
					victim.send(ppp.EAP, eap.Packet{Code: eap.Response, ID: victim.received[0].ID, Type: eap.Identity, Data: []byte("alice")}.Control())
				}
				id, value := victim.challenge(m)
				second := client()
				second.LCP.RequireAuth, second.LCP.AllowAuth = []ppp.Method{silentMethod{m}}, []ppp.Method{silentMethod{m}}
				if c.bob {
					second.LCP.AllowAuth = []ppp.Method{m}
					second.Credentials = ppp.Credentials{Name: "bob", Secret: func(string) ([]byte, bool) { return []byte("shared"), true }}
				}
				helper := newAttacker(t, second, cfg)
				response := helper.requestResponse(m, id, value)
				if (response != nil) != weak {
					t.Errorf("%v, %s, on a weak server %v: it responds %x", m, c.what, weak, response)
				}
				if m == chap.MD5 && weak { // the name is not part of the hash
					victim.send(ppp.CHAP, ppp.Control{Code: chap.Response, ID: id, Data: chap.AppendValue(nil, response, "alice")})
					if count[session.Authenticated](victim.side[1]) != 1 {
						t.Errorf("%s: the attack fails against a weak server", c.what)
					}
				}
				if fresh := helper.requestResponse(m, id+1, bytes.Repeat([]byte{9}, 16)); (fresh != nil) != (weak || c.bob) {
					t.Errorf("%v, %s, on a weak server %v: a challenge of the peer's own is answered by %x", m, c.what, weak, fresh)
				}
			}
		}
	}
}
