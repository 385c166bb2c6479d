package pap_test

import (
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/ppptest"
)

// FuzzResume: what is accepted is encoded as it was read.
func FuzzResume(f *testing.F) {
	ppptest.FuzzResume(f, pap.Method, "\x01\x04user\x02\x03\x02ok")
}

// TestResume: a resumed authenticator repeats its Ack, without the password.
func TestResume(t *testing.T) {
	var q ppp.Queue
	a := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{}).(ppp.ResumableAuthenticator)
	a.Start(start, &q)
	request := ppp.Control{Code: pap.AuthenticateRequest, ID: 1, Data: pap.Request{Name: []byte("user"), Password: []byte("secret")}.AppendTo(nil)}
	ppptest.Receive(t, a, start, request, &q)
	if _, ok := a.AppendState(nil, start); ok {
		t.Error("it has a state before the peer is authenticated")
	}
	a.SetResult(start, ppp.AuthResult{Accepted: true, Message: "welcome"}, &q)
	ack := ppptest.Only(t, ppp.PAP, &q)
	state, ok := a.AppendState(nil, start)
	resumed := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{}).(ppp.ResumableAuthenticator)
	if err := resumed.Resume(state, at(time.Hour)); err != nil || !ok || len(state) != len("\x01\x04user\x02\x08\x07welcome") {
		t.Fatalf("state %x, error %v", state, err)
	}
	q.Reset()
	ppptest.Receive(t, resumed, at(time.Hour), request, &q)
	if again := ppptest.Only(t, ppp.PAP, &q); !ppptest.Equal(again, ack) {
		t.Errorf("a repeated request gets %v, not %v", again, ack)
	}
}
