package chap_test

import (
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

// FuzzChap sends arbitrary packets to both roles (see ppptest.FuzzExchange): nobody is authenticated
// without a result or a Success.
func FuzzChap(f *testing.F) {
	for _, s := range []string{golden.md5Challenge, golden.md5Response, golden.md5Success, golden.msChallenge, golden.msResponse, golden.msSuccess, golden.badFailure} {
		f.Add(ppptest.AppendScript(nil, 0, ppptest.Packet(f, s)))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, m := range []chap.Algorithm{chap.MD5, chap.MSv2} {
			authenticator, _ := startAuthenticator(t, m, ppp.AuthTimers{Rechallenge: time.Minute})
			creds := credentials(password)
			creds.Authenticator = authenticator
			ppptest.FuzzExchange(t, script, m.NewPeer(creds), authenticator, func(x ppp.AuthExchange, c ppp.Control, step ppp.Step, _ int) {
				if step.Outcome == ppp.Succeeded && (x == authenticator || c.Code != chap.Success) {
					t.Fatalf("%v: succeeded", c)
				}
				ppptest.CheckNotGuessed(t, c, step, password)
			})
		}
	})
}
