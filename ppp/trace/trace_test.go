package trace

import (
	"strings"
	"testing"

	"upppoe/ppp"
	"upppoe/ppp/pap"
)

func TestAppendFrame(t *testing.T) {
	login := ppp.Control{Code: pap.AuthenticateRequest, ID: 1, Data: pap.Request{Name: []byte("u"), Password: pap.Password("se\"cret")}.AppendTo(nil)}
	for _, c := range []struct {
		what    string
		frame   []byte
		options Options
		want    string
	}{
		{"a password, hidden", frame(ppp.PAP, login), Options{}, `[PAP AuthReq id=0x1 user="u" password=<hidden>]`},
		{"and shown", frame(ppp.PAP, login), Options{ShowPassword: true}, `[PAP AuthReq id=0x1 user="u" password="se\"cret"]`},
		{"a broken login", []byte{0xc0, 0x23, 1, 1, 0, 6, 9, 'p'}, Options{}, `[PAP AuthReq id=0x1 malformed]`},
		{"untrusted text", frame(ppp.LCP, ppp.Control{Code: ppp.TerminateRequest, ID: 2, Data: []byte("bye\x1b[2J\n")}), Options{}, `[LCP TermReq id=0x2 "bye\033[2J\n"]`},
		{"an unknown protocol", []byte{0x82, 0x81, 1, 2}, Options{}, `[proto=0x8281] 01 02`},
		{"an unknown option", frame(ppp.LCP, ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: []byte{99, 4, 1, 2}}), Options{}, `[LCP ConfReq id=0x1 < 63 04 01 02>]`},
		{"an unknown code", frame(ppp.IPCP, ppp.Control{Code: 77, ID: 1, Data: []byte{1}}), Options{}, `[IPCP code=0x4d id=0x1 01]`},
		{"truncated options", frame(ppp.LCP, ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: []byte{1, 9}}), Options{}, `[LCP ConfReq id=0x1 malformed 01 09]`},
		{"nothing", nil, Options{}, `[malformed]`},
	} {
		if got := string(AppendFrame(nil, c.frame, c.options)); got != c.want {
			t.Errorf("%s prints as %s, want %s", c.what, got, c.want)
		}
	}
}

func frame(p ppp.Protocol, c ppp.Control) []byte {
	q := &ppp.Queue{}
	q.Add(p, c)
	return q.At(0)
}

func FuzzAppendFrame(f *testing.F) {
	f.Add([]byte{0xc0, 0x21, 1, 1, 0, 8, 1, 4, 5, 0xd4})
	f.Add([]byte{0xc2, 0x27, 1, 1, 0, 8, 4, 2, 5, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		text := string(AppendFrame(nil, b, Options{}))
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Errorf("%q contains %#x", text, c)
			}
		}
		if len(text) > 300+10*len(b) { // <deflate(old#) 23 method 15 check 255> is four octets
			t.Errorf("%d octets print as %d", len(b), len(text))
		}
		// Our password is not shown, wherever it is in the packet.
		login := append([]byte{0xc0, 0x23, 1, 1, 0, byte(12 + len(b)%200), 1, 'u', 8}, "geheim!!"...)
		if shown := string(AppendFrame(nil, login, Options{})); strings.Contains(shown, "geheim") {
			t.Errorf("%s shows the password", shown)
		}
	})
}
