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

// proving is a server that proves itself to a client that demands it.
func proving(m ppp.Method) session.Config {
	c := server(m)
	c.LCP.AllowAuth = []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}
	c.Credentials = ppp.Credentials{Name: "ac", Secret: func(string) ([]byte, bool) { return nil, false }}
	c.PeerAuthFirst, c.ChallengeKey = true, []byte("key")
	return c
}

// TestServerProvesItself: by each method, once the client has proved itself and by what they
// share; else neither side is admitted.
func TestServerProvesItself(t *testing.T) {
	for _, m := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
		for _, by := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
			for _, c := range []struct {
				what          string
				secret, clear string // of the Decision
				granted       bool
				want          session.Cause // at the client; Unknown: it is admitted
			}{
				{"its secrets", "secret of ac", "clear of ac", true, session.Unknown},
				{"wrong secrets", "another", "another", true, session.PeerNotAuthenticated},
				{"no secrets", "", "", true, session.PeerTerminated},
				{"a client that is refused", "secret of ac", "clear of ac", false, session.NotAuthenticated},
			} {
				demanding := client()
				demanding.Name, demanding.LCP.RequireAuth = "testuser", []ppp.Method{by}
				p := newPair(t, demanding, proving(m))
				p.side[0].decide = func(proof ppp.AuthResponse) ppp.AuthResult {
					want := "secret of ac"
					if by == pap.Method {
						want = "clear of ac"
					}
					message, ok := proof.Verify([]byte(want))
					return ppp.AuthResult{Accepted: ok && proof.User() == "ac", Message: message}
				}
				p.side[1].decide = func(proof ppp.AuthResponse) ppp.AuthResult {
					message, _ := proof.Verify([]byte("testpassword"))
					return ppp.AuthResult{Accepted: c.granted, Message: message, Secret: []byte(c.secret), CleartextSecret: []byte(c.clear)}
				}
				p.up()
				if c.want == session.Unknown {
					if p.side[0].Phase() != session.Network || p.side[1].Phase() != session.Network {
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

// mute is a method by which nothing is ever said: the test says it.
type mute struct{ ppp.Method }

func (m mute) NewAuthenticator(ppp.AuthenticatorConfig) ppp.Authenticator { return silence{m.Method} }
func (m mute) NewPeer(ppp.Credentials) ppp.AuthExchange                   { return silence{m.Method} }

type silence struct{ method ppp.Method }

func (s silence) Protocol() ppp.Protocol {
	return ppp.Protocol(binary.BigEndian.Uint16(s.method.Option()))
}
func (silence) Start(time.Time, *ppp.Queue)                                  {}
func (silence) Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Step, error) { return ppp.Step{}, nil }
func (silence) Advance(time.Time, *ppp.Queue) ppp.Step                       { return ppp.Step{} }
func (silence) Deadline() time.Time                                          { return time.Time{} }
func (silence) SetResult(time.Time, ppp.AuthResult, *ppp.Queue) ppp.Step     { return ppp.Step{} }

// attacker is a client at a server, which notes what the server says of authentication.
type attacker struct {
	*pair
	said []ppp.Control
}

func newAttacker(t *testing.T, c, s session.Config) *attacker {
	a := &attacker{pair: newPair(t, c, s)}
	a.side[1].decide = func(proof ppp.AuthResponse) ppp.AuthResult {
		message, ok := proof.Verify([]byte("shared")) // by which it proves itself too
		return ppp.AuthResult{Accepted: ok, Message: message, Secret: []byte("shared")}
	}
	a.lose = func(from int, frame []byte) bool {
		if p, information, err := ppp.ParseFrame(frame); from == 1 && err == nil && (p == ppp.CHAP || p == ppp.EAP) {
			c, _ := ppp.ParseControl(slices.Clone(information))
			a.said = append(a.said, c)
		}
		return false
	}
	a.up()
	return a
}

// send sends the server a packet.
func (a *attacker) send(p ppp.Protocol, c ppp.Control) {
	var q ppp.Queue
	q.Add(p, c)
	a.side[1].Receive(a.now, q.At(0), &a.side[1].out)
	a.pump()
}

// challenge is the last one of the server's.
func (a *attacker) challenge(m ppp.Method) (id uint8, value []byte) {
	for _, c := range slices.Backward(a.said) {
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

// demand has the server answer a challenge, and returns its Response; nil: it gives none.
func (a *attacker) demand(m ppp.Method, id uint8, value []byte) []byte {
	a.said = nil
	data := chap.AppendValue(nil, value, "evil")
	if m == eap.MD5 {
		a.send(ppp.EAP, eap.Packet{Code: eap.Request, ID: id, Type: eap.MD5Challenge, Data: data}.Control())
	} else {
		a.send(ppp.CHAP, ppp.Control{Code: chap.Challenge, ID: id, Data: data})
	}
	for _, c := range a.said {
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

// TestNoReflection attacks a server that has one secret for both directions: who wants to come in
// as alice opens a second session and has the server compute the response to its own challenge in
// the first. Each attack is shown to work on a server without what prevents it.
func TestNoReflection(t *testing.T) {
	for _, m := range []ppp.Method{chap.MD5, chap.MSv2, eap.MD5} {
		for _, c := range []struct {
			what string
			bob  bool // the attacker has an account of its own, with the same secret of the server's
			weak func(*session.Config)
		}{
			{"without an account", false, func(c *session.Config) { c.PeerAuthFirst, c.ChallengeKey = false, nil }},
			{"with an account", true, func(c *session.Config) { c.ChallengeKey = nil }},
		} {
			for _, weak := range []bool{true, false} {
				of := proving(m)
				of.Credentials.Secret = func(string) ([]byte, bool) { return []byte("shared"), true }
				if weak {
					c.weak(&of)
				}
				first := client()
				first.LCP.AllowAuth = []ppp.Method{mute{m}}
				victim := newAttacker(t, first, of)
				if m == eap.MD5 {
					victim.send(ppp.EAP, eap.Packet{Code: eap.Response, ID: victim.said[0].ID, Type: eap.Identity, Data: []byte("alice")}.Control())
				}
				id, value := victim.challenge(m)
				second := client()
				second.LCP.RequireAuth, second.LCP.AllowAuth = []ppp.Method{mute{m}}, []ppp.Method{mute{m}}
				if c.bob {
					second.LCP.AllowAuth = []ppp.Method{m}
					second.Credentials = ppp.Credentials{Name: "bob", Secret: func(string) ([]byte, bool) { return []byte("shared"), true }}
				}
				helper := newAttacker(t, second, of)
				response := helper.demand(m, id, value)
				if (response != nil) != weak {
					t.Errorf("%v, %s, on a weak server %v: it answers %x", m, c.what, weak, response)
				}
				if m == chap.MD5 && weak { // its name is no part of the hash
					victim.send(ppp.CHAP, ppp.Control{Code: chap.Response, ID: id, Data: chap.AppendValue(nil, response, "alice")})
					if count[session.Authenticated](victim.side[1]) != 1 {
						t.Errorf("%s: the attack does not work on a weak server", c.what)
					}
				}
				if fresh := helper.demand(m, id+1, bytes.Repeat([]byte{9}, 16)); (fresh != nil) != (weak || c.bob) {
					t.Errorf("%v, %s, on a weak server %v: a challenge of the peer's own is answered by %x", m, c.what, weak, fresh)
				}
			}
		}
	}
}
